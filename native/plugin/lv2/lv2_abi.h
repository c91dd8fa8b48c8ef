/* lv2_abi.h - the parts of LV2's binary interface that the plugin uses, declared here; a test
 * compares them with the headers of Debian's lv2-dev. Their documentation: https://lv2plug.in/ns.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LV2_NS "http://lv2plug.in/ns/"
#define LV2_ATOM_FLOAT LV2_NS "ext/atom#Float"
#define LV2_ATOM_CHUNK LV2_NS "ext/atom#Chunk"
#define LV2_ATOM_SEQUENCE LV2_NS "ext/atom#Sequence"
#define LV2_LOG LV2_NS "ext/log#log"
#define LV2_LOG_ERROR LV2_NS "ext/log#Error"
#define LV2_LOG_WARNING LV2_NS "ext/log#Warning"
#define LV2_MIDI_EVENT LV2_NS "ext/midi#MidiEvent"
#define LV2_DATA_ACCESS LV2_NS "ext/data-access"
#define LV2_INSTANCE_ACCESS LV2_NS "ext/instance-access"
#define LV2_OPTIONS LV2_NS "ext/options#options"
#define LV2_STATE LV2_NS "ext/state#interface"
#define LV2_UI LV2_NS "extensions/ui#"
#define LV2_UI_IDLE LV2_UI "idleInterface"
#define LV2_UI_PARENT LV2_UI "parent"
#define LV2_UI_RESIZE LV2_UI "resize"
#define LV2_UI_SCALE LV2_UI "scaleFactor"
#define LV2_UI_TOUCH LV2_UI "touch"
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

/* ----------------------------------------------------------------------------- interfaces --- */

typedef struct {
    const void *(*data_access)(const char *uri); /* the plugin's extension_data */
} lv2_data_access;

typedef struct { /* ends with one whose key is 0 */
    uint32_t context, subject, key, size, type;
    const void *value;
} lv2_option;

typedef struct {
    void *handle;
    void (*touch)(void *handle, uint32_t port, bool grabbed);
} lv2_ui_touch;

/* The host's as a feature, and the interface's own as extension data, whose handle is ignored. */
typedef struct {
    void *handle;
    int (*resize)(void *handle, int width, int height); /* 0: done */
} lv2_ui_resize;

typedef struct {
    int (*idle)(void *instance); /* not 0: it was closed */
} lv2_ui_idle;

typedef void (*lv2_ui_write)(void *controller, uint32_t port, uint32_t size, uint32_t protocol,
                             const void *value);

typedef struct lv2_ui lv2_ui;
struct lv2_ui {
    const char *uri;
    void *(*instantiate)(const lv2_ui *ui, const char *plugin, const char *bundle,
                         lv2_ui_write write, void *controller, void **widget,
                         const lv2_feature *const *features);
    void (*cleanup)(void *instance);
    void (*port_event)(void *instance, uint32_t port, uint32_t size, uint32_t protocol,
                       const void *value);
    const void *(*extension_data)(const char *uri);
};

/* The only exported symbol of the interface's library. */
const lv2_ui *lv2ui_descriptor(uint32_t index);
