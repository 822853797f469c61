/* SPDX-License-Identifier: MIT */
#ifndef VPND_HOOKS_PLUGIN_ABI_H
#define VPND_HOOKS_PLUGIN_ABI_H

/*
 * The binary interface, versions 1 to 3, that existing OpenVPN plugins are compiled against: names of the symbols
 * that they export, numbers and layouts. Written from public documentation of the interface and checked by running
 * the same plugin under openvpn and under vpnd (tests/interop/plugins.sh). Layouts and numbers must never change.
 */
#include <stdarg.h>
#include <stddef.h>

/** Occasions; a plugin names those that it wants in a mask of 1 << type. */
enum plugin_type {
    PLUGIN_UP = 0,
    PLUGIN_DOWN = 1,
    PLUGIN_ROUTE_UP = 2,
    PLUGIN_IPCHANGE = 3,
    PLUGIN_TLS_VERIFY = 4,
    PLUGIN_AUTH_USER_PASS_VERIFY = 5,
    PLUGIN_CLIENT_CONNECT = 6,
    PLUGIN_CLIENT_DISCONNECT = 7,
    PLUGIN_LEARN_ADDRESS = 8,
    PLUGIN_CLIENT_CONNECT_V2 = 9,
    PLUGIN_TLS_FINAL = 10,
    PLUGIN_ENABLE_PF = 11, /* packet filter: gone since 2.6 */
    PLUGIN_ROUTE_PREDOWN = 12,
    PLUGIN_CLIENT_CONNECT_DEFER = 13,
    PLUGIN_CLIENT_CONNECT_DEFER_V2 = 14,
    PLUGIN_CLIENT_CRRESPONSE = 15,
    PLUGIN_TYPE_COUNT = 16
};

/** What a call returns. */
enum plugin_status { PLUGIN_SUCCESS = 0, PLUGIN_ERROR = 1, PLUGIN_DEFERRED = 2 };

/** When a plugin wants to be opened (openvpn_plugin_select_initialization_point_v1). */
enum plugin_init_point {
    PLUGIN_INIT_PRE_CONFIG_PARSE = 1,
    PLUGIN_INIT_PRE_DAEMON = 2, /* also without that symbol */
    PLUGIN_INIT_POST_DAEMON = 3,
    PLUGIN_INIT_POST_UID_CHANGE = 4
};

#define PLUGIN_ABI_VERSION 3     /* interface, for openvpn_plugin_min_version_required_v1 */
#define PLUGIN_STRUCT_VERSION 5  /* of the structures of version 3: the first argument of its functions */

/** Flags of the log callback. */
enum plugin_log_flag {
    PLUGIN_LOG_ERROR = 1 << 0,
    PLUGIN_LOG_WARN = 1 << 1,
    PLUGIN_LOG_NOTE = 1 << 2,
    PLUGIN_LOG_DEBUG = 1 << 3,
    PLUGIN_LOG_ERRNO = 1 << 8,  /* append strerror(errno) */
    PLUGIN_LOG_NOMUTE = 1 << 9
};

/** TLS library whose certificates are handed to TLS_VERIFY. */
enum plugin_ssl_api { PLUGIN_SSL_NONE = 0, PLUGIN_SSL_OPENSSL = 1, PLUGIN_SSL_MBEDTLS = 2 };

/** Names and values that a plugin gives back; made by it with malloc(), freed by us. */
struct plugin_string_list {
    struct plugin_string_list *next;
    char *name;
    char *value;
};

typedef void *plugin_handle;

/** Services for plugins of version 3. */
struct plugin_callbacks {
    void (*log)(int flags, const char *plugin_name, const char *format, ...) __attribute__((format(printf, 3, 4)));
    void (*vlog)(int flags, const char *plugin_name, const char *format, va_list args)
        __attribute__((format(printf, 3, 0)));
    void (*secure_memzero)(void *data, size_t len);
    int (*base64_encode)(const void *data, int size, char **str); /* *str: malloc(); length or -1 */
    int (*base64_decode)(const char *str, void *data, int size);  /* bytes or -1 */
};

struct plugin_open_in {
    int type_mask; /* all types that exist here */
    const char **argv;
    const char **envp;
    struct plugin_callbacks *callbacks;
    enum plugin_ssl_api ssl_api;
    const char *version;
    unsigned version_major;
    unsigned version_minor;
    const char *version_patch;
};

struct plugin_open_return {
    int type_mask; /* types wanted */
    plugin_handle handle;
    struct plugin_string_list **return_list;
};

struct plugin_func_in {
    int type;
    const char **argv;
    const char **envp;
    plugin_handle handle;
    void *per_client_context;
    int current_cert_depth;
    void *current_cert; /* X509, TLS_VERIFY only */
};

struct plugin_func_return {
    struct plugin_string_list **return_list;
};

/* openvpn_plugin_open_v1, _v2, _v3 */
typedef plugin_handle (*plugin_open_v1_fn)(unsigned *type_mask, const char *argv[], const char *envp[]);
typedef plugin_handle (*plugin_open_v2_fn)(unsigned *type_mask, const char *argv[], const char *envp[],
                                           struct plugin_string_list **return_list);
typedef int (*plugin_open_v3_fn)(int struct_version, const struct plugin_open_in *in, struct plugin_open_return *out);

/* openvpn_plugin_func_v1, _v2, _v3 */
typedef int (*plugin_func_v1_fn)(plugin_handle handle, int type, const char *argv[], const char *envp[]);
typedef int (*plugin_func_v2_fn)(plugin_handle handle, int type, const char *argv[], const char *envp[],
                                 void *per_client_context, struct plugin_string_list **return_list);
typedef int (*plugin_func_v3_fn)(int struct_version, const struct plugin_func_in *in, struct plugin_func_return *out);

/* openvpn_plugin_close_v1, openvpn_plugin_abort_v1 */
typedef void (*plugin_close_fn)(plugin_handle handle);
/* openvpn_plugin_client_constructor_v1, openvpn_plugin_client_destructor_v1 */
typedef void *(*plugin_client_new_fn)(plugin_handle handle);
typedef void (*plugin_client_free_fn)(plugin_handle handle, void *per_client_context);
/* openvpn_plugin_min_version_required_v1, openvpn_plugin_select_initialization_point_v1 */
typedef int (*plugin_number_fn)(void);

#endif
