/* SPDX-License-Identifier: MIT */
#ifndef VPND_AUTH_CHALLENGE_H
#define VPND_AUTH_CHALLENGE_H

/* Texts of static and dynamic challenges and of pending logins (control channel session spec, 12.3 to 12.5).
 * Pure; any thread. */
#include <stdbool.h>
#include <stddef.h>

/** challenge_static - password for a static challenge: SCRV1, or with @concat both one after the other.
 *  Return: free with free(), wipe first. */
char *challenge_static(const char *password, const char *response, bool concat);

/** challenge_static_parse - split SCRV1:base64:base64. Return: 0 and two strings to wipe and free, or ERR_FORMAT. */
int challenge_static_parse(const char *text, char **password, char **response);

/** A dynamic challenge, or a CR_TEXT of a pending login. */
struct challenge {
    bool echo;
    bool response_required;
    char *state_id;  /* dynamic only */
    char *username;  /* dynamic only, decoded */
    char *text;
};

/** challenge_parse - "CRV1:flags:state:base64 user:text", what follows "AUTH_FAILED,". Return: 0, ERR_FORMAT. */
int challenge_parse(const char *reason, struct challenge *out);

/** challenge_parse_text - "flags:text", what follows "INFO_PRE,CR_TEXT:". Return: 0 or ERR_FORMAT. */
int challenge_parse_text(const char *info, struct challenge *out);

/** challenge_free - wipe and release the strings. */
void challenge_free(struct challenge *challenge);

/** challenge_answer - password that answers a dynamic challenge: CRV1::STATE::RESPONSE. Return: free with free(). */
char *challenge_answer(const struct challenge *challenge, const char *response);

/** challenge_cr_response - "CR_RESPONSE,base64" for a CR_TEXT. Return: free with free(). */
char *challenge_cr_response(const char *response);

/** Flags of WEB_AUTH. */
struct challenge_web {
    bool hidden;
    bool external;
    const char *url; /* inside the text that was parsed */
};

/** challenge_parse_web - "WEB_AUTH:flags:url" or "OPEN_URL:url"; only http and https addresses without control
 *  characters, blanks and quotes are accepted. Return: 0, ERR_FORMAT. */
int challenge_parse_web(const char *info, struct challenge_web *out);

/** challenge_method_supported - @method is an entry of the comma list @iv_sso. */
bool challenge_method_supported(const char *iv_sso, const char *method);

#endif
