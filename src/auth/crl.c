/* SPDX-License-Identifier: MIT */
#include "auth/crl.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "auth/cert.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "config/config.h"

#define CRL_FILE_MAX (64u << 20)

struct crl {
    const struct config_crl_verify *option;
    pthread_mutex_t lock;         /* guards what follows */
    STACK_OF(X509_CRL) *lists;    /* NULL or empty: nothing readable */
    struct timespec modified;
    off_t size;
};

static bool is_file(const struct crl *crl)
{
    return !crl->option->is_dir && !crl->option->file.is_inline;
}

/* All CRLs of PEM text; an empty stack when there is none. *@broken: something behind them could not be read. */
static STACK_OF(X509_CRL) *parse(const struct buf *text, bool *broken)
{
    STACK_OF(X509_CRL) *lists = sk_X509_CRL_new_null();
    BIO *bio = BIO_new_mem_buf(text->data ? (const void *)text->data : "", (int)text->len);
    X509_CRL *list;
    while (bio && lists && (list = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL))) {
        sk_X509_CRL_push(lists, list);
    }
    unsigned long error = ERR_peek_last_error();
    *broken = ERR_GET_LIB(error) != ERR_LIB_PEM || ERR_GET_REASON(error) != PEM_R_NO_START_LINE;
    BIO_free(bio);
    ERR_clear_error();
    return lists;
}

static void read_lists(struct crl *crl)
{
    struct buf text = BUF_INIT(CRL_FILE_MAX);
    const char *path = crl_path(crl);
    STACK_OF(X509_CRL) *lists = NULL;
    int err = config_file_read(&crl->option->file, &text);
    if (err) {
        log_warn("CRL: cannot read: %s: %s", path, err_str(err));
    } else {
        bool broken = false;
        lists = parse(&text, &broken);
        int count = lists ? sk_X509_CRL_num(lists) : 0;
        if (count == 0) {
            log_warn("CRL: cannot read CRL from file %s", path);
        } else if (broken) {
            log_warn("CRL: what follows the first %d CRLs in %s cannot be read: revocations in it do not count", count,
                     path);
        }
        log_write(LOG_SEV_USUAL, 3, NULL, "CRL: loaded %d CRLs from file %s", count, path);
    }
    buf_free(&text, false);
    sk_X509_CRL_pop_free(crl->lists, X509_CRL_free);
    crl->lists = lists;
}

/* Under the lock. */
static int read_if_changed(struct crl *crl)
{
    struct stat st;
    if (stat(crl->option->file.path, &st)) {
        return -errno;
    }
    bool same = crl->lists && st.st_size == crl->size && st.st_mtim.tv_sec == crl->modified.tv_sec &&
                st.st_mtim.tv_nsec == crl->modified.tv_nsec;
    if (!same) {
        crl->size = st.st_size;
        crl->modified = st.st_mtim;
        read_lists(crl);
    }
    return 0;
}

int crl_new(const struct config_crl_verify *option, struct crl **out)
{
    *out = NULL;
    if (!config_file_given(&option->file)) {
        return 0;
    }
    struct crl *crl = mem_zalloc(sizeof(*crl));
    crl->option = option;
    pthread_mutex_init(&crl->lock, NULL);
    int err = 0;
    if (is_file(crl)) {
        err = read_if_changed(crl);
    } else if (!option->is_dir) {
        read_lists(crl);
    }
    if (err) {
        log_error("crl-verify fails with '%s': %s", option->file.path, err_str(err));
        crl_free(crl);
        return ERR_CONFIG;
    }
    *out = crl;
    return 0;
}

void crl_free(struct crl *crl)
{
    if (crl) {
        sk_X509_CRL_pop_free(crl->lists, X509_CRL_free);
        pthread_mutex_destroy(&crl->lock);
        free(crl);
    }
}

void crl_reload(struct crl *crl)
{
    if (!is_file(crl)) {
        return;
    }
    pthread_mutex_lock(&crl->lock);
    int err = read_if_changed(crl);
    pthread_mutex_unlock(&crl->lock);
    if (err) {
        log_warn("WARNING: Failed to stat CRL file, not reloading CRL: %s: %s", crl_path(crl), err_str(err));
    }
}

STACK_OF(X509_CRL) *crl_lists(struct crl *crl)
{
    STACK_OF(X509_CRL) *copy = NULL;
    pthread_mutex_lock(&crl->lock);
    if (crl->lists && sk_X509_CRL_num(crl->lists) > 0) {
        copy = sk_X509_CRL_dup(crl->lists);
        for (int i = 0; copy && i < sk_X509_CRL_num(copy); i++) {
            X509_CRL_up_ref(sk_X509_CRL_value(copy, i));
        }
    }
    pthread_mutex_unlock(&crl->lock);
    return copy;
}

bool crl_is_directory(const struct crl *crl)
{
    return crl->option->is_dir;
}

bool crl_directory_revokes(const struct crl *crl, const X509 *cert)
{
    struct stat st;
    char *serial = cert_serial_decimal(cert);
    char *path = serial ? mem_printf("%s/%s", crl->option->file.path, serial) : NULL;
    /* A directory that went away must not un-revoke everybody. */
    bool readable = stat(crl->option->file.path, &st) == 0 && S_ISDIR(st.st_mode);
    bool revoked = !readable || !path || stat(path, &st) == 0 || errno != ENOENT;
    free(path);
    free(serial);
    return revoked;
}

bool crl_revokes(struct crl *crl, X509 *cert)
{
    bool revoked = false;
    if (crl_is_directory(crl)) {
        return crl_directory_revokes(crl, cert);
    }
    pthread_mutex_lock(&crl->lock);
    for (int i = 0; !revoked && crl->lists && i < sk_X509_CRL_num(crl->lists); i++) {
        X509_CRL *list = sk_X509_CRL_value(crl->lists, i);
        X509_REVOKED *entry = NULL;
        revoked = X509_NAME_cmp(X509_CRL_get_issuer(list), X509_get_issuer_name(cert)) == 0 &&
                  X509_CRL_get0_by_cert(list, &entry, cert) == 1;
    }
    pthread_mutex_unlock(&crl->lock);
    return revoked;
}

uint64_t crl_version(struct crl *crl)
{
    struct timespec modified = {0};
    off_t size = 0;
    struct stat st;
    if (!crl_is_directory(crl)) {
        pthread_mutex_lock(&crl->lock);
        modified = crl->modified;
        size = crl->size;
        pthread_mutex_unlock(&crl->lock);
    } else if (stat(crl->option->file.path, &st) == 0) {
        modified = st.st_mtim;
        size = st.st_size;
    }
    return (uint64_t)modified.tv_sec * 1000000000u + (uint64_t)modified.tv_nsec + (uint64_t)size + 1;
}

uint64_t crl_earliest_update(struct crl *crl)
{
    uint64_t earliest = 0;
    pthread_mutex_lock(&crl->lock);
    for (int i = 0; crl->lists && i < sk_X509_CRL_num(crl->lists); i++) {
        struct tm tm;
        const ASN1_TIME *next = X509_CRL_get0_nextUpdate(sk_X509_CRL_value(crl->lists, i));
        time_t t = next && ASN1_TIME_to_tm(next, &tm) == 1 ? timegm(&tm) : 0;
        if (t > 0 && (earliest == 0 || (uint64_t)t < earliest)) {
            earliest = (uint64_t)t;
        }
    }
    pthread_mutex_unlock(&crl->lock);
    return earliest;
}

const char *crl_path(const struct crl *crl)
{
    return crl->option->file.path;
}
