/* lv2_abi.h - the parts of LV2's binary interface that the plugin uses, declared here; a test
 * compares them with the headers of Debian's lv2-dev. Their documentation: https://lv2plug.in/ns.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#define LV2_NS "http://lv2plug.in/ns/"
#define LV2_ATOM_CHUNK LV2_NS "ext/atom#Chunk"
#define LV2_ATOM_SEQUENCE LV2_NS "ext/atom#Sequence"
#define LV2_LOG LV2_NS "ext/log#log"
#define LV2_LOG_ERROR LV2_NS "ext/log#Error"
#define LV2_LOG_WARNING LV2_NS "ext/log#Warning"
#define LV2_MIDI_EVENT LV2_NS "ext/midi#MidiEvent"
#define LV2_STATE LV2_NS "ext/state#interface"
#define LV2_URID_MAP LV2_NS "ext/urid#map"

/* ------------------------------------------------------------------------------------- core --- */

typedef struct {
    const char *uri;
    void *data;
} lv2_feature;

/* An instance is a void pointer; features end with NULL. run, connect_port: [audio] */
typedef struct lv2_plugin lv2_plugin;
struct lv2_plugin {
    const char *uri;
    void *(*instantiate)(const lv2_plugin *plugin, double rate, const char *bundle,
                         const lv2_feature *const *features);
    void (*connect_port)(void *instance, uint32_t port, void *location);
    void (*activate)(void *instance); /* may be NULL, as deactivate and extension_data */
    void (*run)(void *instance, uint32_t frames);
    void (*deactivate)(void *instance);
    void (*cleanup)(void *instance);
    const void *(*extension_data)(const char *uri);
};

/* The only exported symbol: the library's plugins by index, NULL after the last. */
const lv2_plugin *lv2_descriptor(uint32_t index);

/* --------------------------------------------------------------------- features of the host --- */

typedef struct {
    void *handle;
    uint32_t (*map)(void *handle, const char *uri); /* 0 is none */
} lv2_urid_map;

typedef struct {
    void *handle;
    int (*print)(void *handle, uint32_t type, const char *format, ...);
    int (*vprint)(void *handle, uint32_t type, const char *format, va_list list);
} lv2_log;

/* ------------------------------------------------------------------------------------ atoms --- */

typedef struct {
    uint32_t size; /* bytes that follow these two */
    uint32_t type;
} lv2_atom;

/* The host hands a sequence over with `size` bytes of room after `atom`; it comes back as what is
 * in it. Events follow, each padded to 8 bytes. */
typedef struct {
    lv2_atom atom;
    uint32_t unit; /* 0: frames */
    uint32_t pad;
} lv2_sequence;

typedef struct {
    int64_t frames;
    lv2_atom body;
} lv2_event;

/* ------------------------------------------------------------------------------------ state --- */

typedef enum {
    LV2_STATE_OK,
    LV2_STATE_UNKNOWN,
    LV2_STATE_BAD_TYPE,
    LV2_STATE_BAD_FLAGS,
    LV2_STATE_NO_FEATURE,
    LV2_STATE_NO_PROPERTY,
    LV2_STATE_NO_SPACE
} lv2_state_status;

enum { LV2_STATE_POD = 1, LV2_STATE_PORTABLE = 2 };

typedef lv2_state_status (*lv2_store)(void *handle, uint32_t key, const void *value, size_t size,
                                      uint32_t type, uint32_t flags);
typedef const void *(*lv2_retrieve)(void *handle, uint32_t key, size_t *size, uint32_t *type,
                                    uint32_t *flags);

typedef struct {
    lv2_state_status (*save)(void *instance, lv2_store store, void *handle, uint32_t flags,
                             const lv2_feature *const *features);
    lv2_state_status (*restore)(void *instance, lv2_retrieve retrieve, void *handle, uint32_t flags,
                                const lv2_feature *const *features);
} lv2_state;
