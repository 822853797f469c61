/* SPDX-License-Identifier: MIT */
#ifndef VPND_AUTH_CHALLENGE_H
#define VPND_AUTH_CHALLENGE_H

/*
 * Texts of challenges and pending logins that carry an answer (control channel session spec, 12.3 to 12.5); what a
 * server asks is taken apart by wire/cmd.h. Pure; any thread.
 */
#include <stdbool.h>
#include <stddef.h>

#define CHALLENGE_TEXT_MAX 1024 /* bytes of a password or response, decoded */

/** challenge_static - password for a static challenge: SCRV1, or with @concat both one after the other.
 *  Return: wipe, then free with free(). */
char *challenge_static(const char *password, const char *response, bool concat);

/** challenge_static_parse - split SCRV1:base64:base64. Return: 0 and two strings to wipe and free, or ERR_FORMAT. */
int challenge_static_parse(const char *text, char **password, char **response);

/** challenge_dynamic - password that answers a dynamic challenge: CRV1::STATE::RESPONSE. Return: wipe, then free with
 *  free(). */
char *challenge_dynamic(const char *state_id, const char *response);

/** challenge_cr_response - message "CR_RESPONSE,base64" for a CR_TEXT. Return: wipe, then free with free(). */
char *challenge_cr_response(const char *response);

/** challenge_url_valid - a http or https address without control characters, blanks, quotes and the like: safe to show
 *  and to hand to a browser. */
bool challenge_url_valid(const char *url);

/** challenge_method_supported - @method is an entry of the comma list @iv_sso (NULL: none). */
bool challenge_method_supported(const char *iv_sso, const char *method);

#endif
