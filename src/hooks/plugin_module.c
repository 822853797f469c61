/* SPDX-License-Identifier: MIT */
#include "hooks/plugin_module.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* What OpenVPN release this interface is that of; plugins look at it. */
#define CLAIMED_VERSION "2.6.14"
#define CLAIMED_PATCH ".14"

struct plugin_module {
    char *path;
    plugin_open_v1_fn open1;
    plugin_open_v2_fn open2;
    plugin_open_v3_fn open3;
    plugin_func_v1_fn func1;
    plugin_func_v2_fn func2;
    plugin_func_v3_fn func3;
    plugin_close_fn close;
    plugin_close_fn abort;
    plugin_client_new_fn client_new;
    plugin_client_free_fn client_free;
    plugin_number_fn min_version;
    plugin_number_fn init_point;
    plugin_handle handle;
};

/* POSIX lets a data pointer from dlsym() become a function pointer, ISO C has no cast for it. */
static void find(void *library, const char *name, void *function)
{
    void *symbol = dlsym(library, name);
    memcpy(function, &symbol, sizeof(symbol));
}

static void find_all(struct plugin_module *m, void *library)
{
    find(library, "openvpn_plugin_open_v1", &m->open1);
    find(library, "openvpn_plugin_open_v2", &m->open2);
    find(library, "openvpn_plugin_open_v3", &m->open3);
    find(library, "openvpn_plugin_func_v1", &m->func1);
    find(library, "openvpn_plugin_func_v2", &m->func2);
    find(library, "openvpn_plugin_func_v3", &m->func3);
    find(library, "openvpn_plugin_close_v1", &m->close);
    find(library, "openvpn_plugin_abort_v1", &m->abort);
    find(library, "openvpn_plugin_client_constructor_v1", &m->client_new);
    find(library, "openvpn_plugin_client_destructor_v1", &m->client_free);
    find(library, "openvpn_plugin_min_version_required_v1", &m->min_version);
    find(library, "openvpn_plugin_select_initialization_point_v1", &m->init_point);
}

/* Return: NULL, or what it lacks. */
static char *complain(const struct plugin_module *m)
{
    if (!m->open1 && !m->open2 && !m->open3) {
        return mem_printf("PLUGIN: symbol openvpn_plugin_open_vX is undefined in plugin: %s", m->path);
    }
    if (!m->func1 && !m->func2 && !m->func3) {
        return mem_printf("PLUGIN: symbol openvpn_plugin_func_vX is undefined in plugin: %s", m->path);
    }
    if (!m->close) {
        return mem_printf("PLUGIN: symbol openvpn_plugin_close_v1 is undefined in plugin: %s", m->path);
    }
    int needed = m->min_version ? m->min_version() : 1;
    if (needed > PLUGIN_ABI_VERSION) {
        return mem_printf("PLUGIN_INIT: plugin needs interface version %d, but this version of vpnd only supports "
                          "version %d: %s",
                          needed, PLUGIN_ABI_VERSION, m->path);
    }
    return NULL;
}

struct plugin_module *plugin_module_load(const char *path, char **error)
{
    void *library = dlopen(path, RTLD_NOW);
    if (!library) {
        *error = mem_printf("PLUGIN_INIT: could not load plugin shared object %s: %s", path, dlerror());
        return NULL;
    }
    struct plugin_module *m = mem_zalloc(sizeof(*m));
    m->path = mem_strdup(path);
    find_all(m, library);
    *error = complain(m);
    if (*error) {
        free(m->path);
        free(m);
        dlclose(library);
        return NULL;
    }
    return m;
}

int plugin_module_init_point(const struct plugin_module *module)
{
    return module->init_point ? module->init_point() : PLUGIN_INIT_PRE_DAEMON;
}

static int open_v3(struct plugin_module *m, const char **argv, const char **envp, struct plugin_callbacks *callbacks,
                   unsigned *mask)
{
    struct plugin_open_in in = {
        .type_mask = (1 << PLUGIN_TYPE_COUNT) - 1,
        .argv = argv,
        .envp = envp,
        .callbacks = callbacks,
        .ssl_api = PLUGIN_SSL_OPENSSL,
        .version = CLAIMED_VERSION,
        .version_major = 2,
        .version_minor = 6,
        .version_patch = CLAIMED_PATCH,
    };
    struct plugin_open_return out = {.return_list = NULL};
    int status = m->open3(PLUGIN_STRUCT_VERSION, &in, &out);
    m->handle = out.handle;
    *mask = (unsigned)out.type_mask;
    return status == PLUGIN_SUCCESS && out.handle ? 0 : -1;
}

int plugin_module_open(struct plugin_module *module, const char **argv, const char **envp,
                       struct plugin_callbacks *callbacks, unsigned *mask, char **error)
{
    const unsigned known = (1u << PLUGIN_TYPE_COUNT) - 1;
    struct plugin_string_list *list = NULL;
    int rc = 0;
    *mask = 0;
    if (module->open3) {
        rc = open_v3(module, argv, envp, callbacks, mask);
    } else if (module->open2) {
        module->handle = module->open2(mask, argv, envp, &list);
        plugin_module_answer_free(list);
    } else {
        module->handle = module->open1(mask, argv, envp);
    }
    if (rc < 0 || !module->handle) {
        *error = mem_printf("PLUGIN_INIT: plugin initialization function failed: %s", module->path);
        return -1;
    }
    if (*mask & ~known) {
        *error = mem_printf("PLUGIN_INIT: plugin %s expressed interest in unsupported plugin types: [want=0x%08x, "
                            "have=0x%08x]",
                            module->path, *mask, known);
        plugin_module_close(module, 1);
        return -1;
    }
    return 0;
}

int plugin_module_run(struct plugin_module *module, struct plugin_module_call *call)
{
    if (module->func3) {
        struct plugin_func_in in = {
            .type = (int)call->type,
            .argv = call->argv,
            .envp = call->envp,
            .handle = module->handle,
            .per_client_context = call->client,
            .current_cert_depth = (int)call->depth,
            .current_cert = call->certificate,
        };
        struct plugin_func_return out = {.return_list = &call->answer};
        return module->func3(PLUGIN_STRUCT_VERSION, &in, &out);
    }
    if (module->func2) {
        return module->func2(module->handle, (int)call->type, call->argv, call->envp, call->client, &call->answer);
    }
    return module->func1(module->handle, (int)call->type, call->argv, call->envp);
}

void plugin_module_answer_free(struct plugin_string_list *list)
{
    while (list) {
        struct plugin_string_list *next = list->next;
        free(list->name);
        free(list->value);
        free(list);
        list = next;
    }
}

void *plugin_module_client_new(struct plugin_module *module)
{
    return module->client_new ? module->client_new(module->handle) : NULL;
}

void plugin_module_client_free(struct plugin_module *module, void *client)
{
    if (module->client_free && client) {
        module->client_free(module->handle, client);
    }
}

void plugin_module_close(struct plugin_module *module, int failed)
{
    if (!module->handle) {
        return;
    }
    if (!failed) {
        module->close(module->handle);
    } else if (module->abort) {
        module->abort(module->handle);
    }
    module->handle = NULL;
}
