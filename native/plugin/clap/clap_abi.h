/* clap_abi.h - the parts of CLAP's binary interface, version 1.1.1, that the plugin uses.
 *
 * Layouts, numbers and names are those of include/clap of https://github.com/free-audio/clap (MIT);
 * native/tests/plugin/abi_dpf.c compares them with the headers in Debian's dpf-source, save what it
 * lacks: tail, render and audio-ports-config are as in CLAP's ext of version 1.1.1,
 * configurable-audio-ports, ext/preset-load.h and factory/preset-discovery.h as in 1.2.
 * Strings are UTF-8. Threads in brackets: [main], [audio], [any]; tables whose functions name
 * none are [main]. */
#pragma once

#include "tagnode.h" /* TAGNODE_NONBLOCKING: what the ABI promises for [audio] */

#if defined(_WIN32) && !defined(_WIN64)
#error "32-bit Windows has other calling conventions than that of C"
#endif

enum { CL_NAME_SIZE = 256, CL_PATH_SIZE = 1024 };
#define CL_INVALID_ID UINT32_MAX

typedef struct {
    uint32_t major, minor, revision;
} cl_version;

#define CL_VERSION ((cl_version){1, 1, 1})

/* ---------------------------------------------------------------------------------- events --- */

typedef struct {
    uint32_t size;  /* bytes, header and all */
    uint32_t time;  /* samples into the block */
    uint16_t space; /* 0 for the events of CLAP itself */
    uint16_t type;  /* CL_EVENT_... */
    uint32_t flags; /* CL_EVENT_... */
} cl_event;

enum { CL_EVENT_DONT_RECORD = 1 << 1 };
enum {
    CL_EVENT_PARAM_VALUE = 5,
    CL_EVENT_GESTURE_BEGIN = 7,
    CL_EVENT_GESTURE_END = 8,
    CL_EVENT_MIDI = 10
};

typedef struct {
    cl_event header;
    uint32_t parameter;
    void *cookie;
    int32_t note; /* this and the next three: -1 for all */
    int16_t port, channel, key;
    double value;
} cl_event_param_value;

typedef struct {
    cl_event header;
    uint32_t parameter;
} cl_event_gesture;

typedef struct {
    cl_event header;
    uint16_t port;
    uint8_t bytes[3];
} cl_event_midi;

/* Sorted by time. [audio] */
typedef struct cl_input_events {
    void *context;
    uint32_t (*size)(const struct cl_input_events *list) TAGNODE_NONBLOCKING;
    const cl_event *(*get)(const struct cl_input_events *list, uint32_t index)TAGNODE_NONBLOCKING;
} cl_input_events;

/* Sorted by time; an event is copied. [audio] */
typedef struct cl_output_events {
    void *context;
    bool (*try_push)(const struct cl_output_events *list, const cl_event *event)
        TAGNODE_NONBLOCKING;
} cl_output_events;

/* --------------------------------------------------------------------------------- process --- */

typedef struct {
    float **data32; /* either this or data64, for each channel */
    double **data64;
    uint32_t channel_count;
    uint32_t latency;
    uint64_t constant_mask; /* bit of each channel whose samples are all the same */
} cl_audio_buffer;

typedef struct {
    int64_t steady_time;
    uint32_t frames;
    const void *transport;
    const cl_audio_buffer *inputs;
    cl_audio_buffer *outputs;
    uint32_t input_count, output_count;
    const cl_input_events *in_events;
    const cl_output_events *out_events;
} cl_process;

enum { CL_PROCESS_CONTINUE = 1 };

/* ------------------------------------------------------------------- plugin, host, factory --- */

typedef struct cl_host {
    cl_version version;
    void *host_data;
    const char *name, *vendor, *url, *host_version;
    const void *(*get_extension)(const struct cl_host *host, const char *id); /* [any] */
    void (*request_restart)(const struct cl_host *host);                      /* [any] */
    void (*request_process)(const struct cl_host *host);                      /* [any] */
    /* Requests a call of on_main_thread. [any] */
    void (*request_callback)(const struct cl_host *host) TAGNODE_NONBLOCKING;
} cl_host;

typedef struct {
    cl_version version;
    const char *id, *name, *vendor, *url, *manual_url, *support_url, *plugin_version, *description;
    const char *const *features; /* the last is NULL */
} cl_descriptor;

typedef struct cl_plugin {
    const cl_descriptor *descriptor;
    void *plugin_data;
    bool (*init)(const struct cl_plugin *plugin);
    void (*destroy)(const struct cl_plugin *plugin); /* deactivated before */
    bool (*activate)(const struct cl_plugin *plugin, double rate, uint32_t min_frames,
                     uint32_t max_frames);
    void (*deactivate)(const struct cl_plugin *plugin);
    bool (*start_processing)(const struct cl_plugin *plugin) TAGNODE_NONBLOCKING;
    void (*stop_processing)(const struct cl_plugin *plugin) TAGNODE_NONBLOCKING;
    void (*reset)(const struct cl_plugin *plugin) TAGNODE_NONBLOCKING;
    int32_t (*process)(const struct cl_plugin *plugin, const cl_process *process)
        TAGNODE_NONBLOCKING;
    const void *(*get_extension)(const struct cl_plugin *plugin, const char *id);
    void (*on_main_thread)(const struct cl_plugin *plugin);
} cl_plugin;

#define CL_FACTORY "clap.plugin-factory"

typedef struct cl_factory { /* [any] */
    uint32_t (*count)(const struct cl_factory *factory);
    const cl_descriptor *(*descriptor)(const struct cl_factory *factory, uint32_t index);
    const cl_plugin *(*create)(const struct cl_factory *factory, const cl_host *host,
                               const char *id);
} cl_factory;

/* The one symbol of a file: clap_entry. */
typedef struct {
    cl_version version;
    bool (*init)(const char *path);
    void (*deinit)(void);
    const void *(*get_factory)(const char *id);
} cl_entry;

/* --------------------------------------------------------------------------------- presets --- */

#define CL_PRESET_FACTORY "clap.preset-discovery-factory/2"
#define CL_PRESET_FACTORY_DRAFT "clap.preset-discovery-factory/draft-2"

enum { CL_PRESETS_IN_FILES = 0, CL_PRESETS_IN_PLUGIN = 1 };
enum { CL_PRESETS_OF_FACTORY = 1 << 0 };

typedef struct {
    const char *abi, *id; /* "clap" and the plugin's id */
} cl_universal_id;

/* What the host gives to get the presets of a location; not thread-safe. */
typedef struct cl_preset_receiver {
    void *receiver_data;
    void (*on_error)(const struct cl_preset_receiver *receiver, int32_t system_error,
                     const char *message);
    /* Before a preset's other calls; false: no more calls. In a container of presets both are
     * needed. */
    bool (*begin)(const struct cl_preset_receiver *receiver, const char *name, const char *key);
    void (*add_plugin_id)(const struct cl_preset_receiver *receiver, const cl_universal_id *id);
    void (*set_soundpack_id)(const struct cl_preset_receiver *receiver, const char *id);
    void (*set_flags)(const struct cl_preset_receiver *receiver, uint32_t flags);
    void (*add_creator)(const struct cl_preset_receiver *receiver, const char *creator);
    void (*set_description)(const struct cl_preset_receiver *receiver, const char *description);
    void (*set_timestamps)(const struct cl_preset_receiver *receiver, uint64_t created,
                           uint64_t modified);
    void (*add_feature)(const struct cl_preset_receiver *receiver, const char *feature);
    void (*add_extra_info)(const struct cl_preset_receiver *receiver, const char *key,
                           const char *value);
} cl_preset_receiver;

typedef struct {
    const char *name, *description, *extension; /* "": any file */
} cl_preset_filetype;

typedef struct {
    uint32_t flags; /* CL_PRESETS_OF_FACTORY */
    const char *name;
    uint32_t kind;        /* CL_PRESETS_IN_... */
    const char *location; /* NULL: the plugin's own file */
} cl_preset_location;

typedef struct {
    cl_version version;
    const char *id, *name, *vendor;
} cl_preset_provider_descriptor;

typedef struct cl_preset_provider {
    const cl_preset_provider_descriptor *descriptor;
    void *provider_data;
    bool (*init)(const struct cl_preset_provider *provider); /* declares its locations */
    void (*destroy)(const struct cl_preset_provider *provider);
    bool (*get_metadata)(const struct cl_preset_provider *provider, uint32_t kind,
                         const char *location, const cl_preset_receiver *receiver);
    const void *(*get_extension)(const struct cl_preset_provider *provider, const char *id);
} cl_preset_provider;

typedef struct cl_preset_indexer { /* the host's; not thread-safe */
    cl_version version;
    const char *name, *vendor, *url, *host_version;
    void *indexer_data;
    bool (*declare_filetype)(const struct cl_preset_indexer *indexer,
                             const cl_preset_filetype *filetype);
    bool (*declare_location)(const struct cl_preset_indexer *indexer,
                             const cl_preset_location *location);
    bool (*declare_soundpack)(const struct cl_preset_indexer *indexer, const void *soundpack);
    const void *(*get_extension)(const struct cl_preset_indexer *indexer, const char *id);
} cl_preset_indexer;

typedef struct cl_preset_factory { /* [any] */
    uint32_t (*count)(const struct cl_preset_factory *factory);
    const cl_preset_provider_descriptor *(*descriptor)(const struct cl_preset_factory *factory,
                                                       uint32_t index);
    const cl_preset_provider *(*create)(const struct cl_preset_factory *factory,
                                        const cl_preset_indexer *indexer, const char *id);
} cl_preset_factory;

/* ------------------------------------------------------------------------------ extensions --- */

#define CL_PRESET_LOAD "clap.preset-load/2"
#define CL_PRESET_LOAD_DRAFT "clap.preset-load.draft/2"

typedef struct {
    bool (*from_location)(const cl_plugin *plugin, uint32_t kind, const char *location,
                          const char *key);
} cl_preset_load;

typedef struct {
    void (*on_error)(const cl_host *host, uint32_t kind, const char *location, const char *key,
                     int32_t system_error, const char *message);
    void (*loaded)(const cl_host *host, uint32_t kind, const char *location, const char *key);
} cl_host_preset_load;

#define CL_AUDIO_PORTS "clap.audio-ports"
#define CL_PORT_MONO "mono"
#define CL_PORT_STEREO "stereo"

enum { CL_AUDIO_PORT_MAIN = 1 << 0 };

typedef struct {
    uint32_t id;
    char name[CL_NAME_SIZE];
    uint32_t flags;
    uint32_t channel_count;
    const char *type;
    uint32_t in_place_pair; /* id of the port that may have the same buffers */
} cl_audio_port;

typedef struct {
    uint32_t (*count)(const cl_plugin *plugin, bool input);
    bool (*get)(const cl_plugin *plugin, uint32_t index, bool input, cl_audio_port *port);
} cl_audio_ports;

#define CL_AUDIO_CONFIGS "clap.audio-ports-config"

typedef struct {
    uint32_t id;
    char name[CL_NAME_SIZE];
    uint32_t input_ports, output_ports;
    bool has_input; /* a main one, as those below */
    uint32_t input_channels;
    const char *input_type;
    bool has_output;
    uint32_t output_channels;
    const char *output_type;
} cl_audio_config;

typedef struct {
    uint32_t (*count)(const cl_plugin *plugin);
    bool (*get)(const cl_plugin *plugin, uint32_t index, cl_audio_config *config);
    bool (*select)(const cl_plugin *plugin, uint32_t id); /* not active */
} cl_audio_configs;

#define CL_CONFIGURABLE "clap.configurable-audio-ports"
#define CL_CONFIGURABLE_DRAFT "clap.configurable-audio-ports.draft1"

typedef struct {
    bool is_input;
    uint32_t port, channel_count;
    const char *type;
    const void *details;
} cl_audio_request;

/* All requests take effect, or none. Not active. */
typedef struct {
    bool (*can_apply)(const cl_plugin *plugin, const cl_audio_request *requests, uint32_t count);
    bool (*apply)(const cl_plugin *plugin, const cl_audio_request *requests, uint32_t count);
} cl_configurable;

#define CL_NOTE_PORTS "clap.note-ports"

enum { CL_DIALECT_MIDI = 1 << 1 };

typedef struct {
    uint32_t id;
    uint32_t dialects, preferred; /* CL_DIALECT_... */
    char name[CL_NAME_SIZE];
} cl_note_port;

typedef struct {
    uint32_t (*count)(const cl_plugin *plugin, bool input);
    bool (*get)(const cl_plugin *plugin, uint32_t index, bool input, cl_note_port *port);
} cl_note_ports;

#define CL_PARAMS "clap.params"

enum {
    CL_PARAM_STEPPED = 1 << 0,
    CL_PARAM_READONLY = 1 << 3,
    CL_PARAM_BYPASS = 1 << 4,
    CL_PARAM_AUTOMATABLE = 1 << 5,
    CL_PARAM_ENUM = 1 << 16 /* since 1.1.10; older hosts ignore it */
};

typedef struct {
    uint32_t id, flags;
    void *cookie;
    char name[CL_NAME_SIZE];
    char module[CL_PATH_SIZE]; /* parts by '/' */
    double low, high, start;
} cl_param;

typedef struct {
    uint32_t (*count)(const cl_plugin *plugin);
    bool (*get_info)(const cl_plugin *plugin, uint32_t index, cl_param *parameter);
    bool (*get_value)(const cl_plugin *plugin, uint32_t id, double *value);
    bool (*value_to_text)(const cl_plugin *plugin, uint32_t id, double value, char *text,
                          uint32_t size);
    bool (*text_to_value)(const cl_plugin *plugin, uint32_t id, const char *text, double *value);
    /* [audio] while active, else [main]; never beside process */
    void (*flush)(const cl_plugin *plugin, const cl_input_events *in, const cl_output_events *out)
        TAGNODE_NONBLOCKING;
} cl_params;

enum { CL_RESCAN_VALUES = 1 << 0, CL_RESCAN_TEXT = 1 << 1 };

typedef struct {
    void (*rescan)(const cl_host *host, uint32_t flags);
    void (*clear)(const cl_host *host, uint32_t id, uint32_t flags);
    void (*request_flush)(const cl_host *host);
} cl_host_params;

#define CL_STATE "clap.state"

/* The number of bytes, perhaps fewer than asked for; 0 at the end, -1 on an error. */
typedef struct cl_istream {
    void *context;
    int64_t (*read)(const struct cl_istream *stream, void *bytes, uint64_t size);
} cl_istream;

typedef struct cl_ostream {
    void *context;
    int64_t (*write)(const struct cl_ostream *stream, const void *bytes, uint64_t size);
} cl_ostream;

typedef struct {
    bool (*save)(const cl_plugin *plugin, const cl_ostream *stream);
    bool (*load)(const cl_plugin *plugin, const cl_istream *stream);
} cl_state;

#define CL_LATENCY "clap.latency"

typedef struct {
    uint32_t (*get)(const cl_plugin *plugin); /* samples */
} cl_latency;

#define CL_TAIL "clap.tail"

typedef struct {
    uint32_t (*get)(const cl_plugin *plugin); /* samples; [main] and [audio] */
} cl_tail;

#define CL_RENDER "clap.render"

enum { CL_RENDER_REALTIME = 0, CL_RENDER_OFFLINE = 1 };

typedef struct {
    bool (*has_hard_realtime_requirement)(const cl_plugin *plugin);
    bool (*set)(const cl_plugin *plugin, int32_t mode);
} cl_render;

#define CL_GUI "clap.gui"
#define CL_WINDOW_X11 "x11"
#define CL_WINDOW_WIN32 "win32"
#if defined(_WIN32)
#define CL_WINDOW_NATIVE CL_WINDOW_WIN32
typedef void *cl_window_id; /* HWND */
#else
#define CL_WINDOW_NATIVE CL_WINDOW_X11
typedef unsigned long cl_window_id;
#endif

typedef struct {
    const char *api;
    union {
        cl_window_id native;
        void *other;
    } id;
} cl_window;

typedef struct {
    bool horizontally, vertically, keep_aspect;
    uint32_t aspect_width, aspect_height;
} cl_resize_hints;

typedef struct { /* sizes are pixels */
    bool (*is_supported)(const cl_plugin *plugin, const char *api, bool floating);
    bool (*preferred)(const cl_plugin *plugin, const char **api, bool *floating);
    bool (*create)(const cl_plugin *plugin, const char *api, bool floating);
    void (*destroy)(const cl_plugin *plugin);
    bool (*set_scale)(const cl_plugin *plugin, double scale);
    bool (*get_size)(const cl_plugin *plugin, uint32_t *width, uint32_t *height);
    bool (*can_resize)(const cl_plugin *plugin);
    bool (*resize_hints)(const cl_plugin *plugin, cl_resize_hints *hints);
    bool (*adjust_size)(const cl_plugin *plugin, uint32_t *width, uint32_t *height);
    bool (*set_size)(const cl_plugin *plugin, uint32_t width, uint32_t height);
    bool (*set_parent)(const cl_plugin *plugin, const cl_window *window);
    bool (*set_transient)(const cl_plugin *plugin, const cl_window *window);
    void (*suggest_title)(const cl_plugin *plugin, const char *title);
    bool (*show)(const cl_plugin *plugin);
    bool (*hide)(const cl_plugin *plugin);
} cl_gui;

typedef struct { /* [any] */
    void (*hints_changed)(const cl_host *host);
    bool (*request_resize)(const cl_host *host, uint32_t width, uint32_t height);
    bool (*request_show)(const cl_host *host);
    bool (*request_hide)(const cl_host *host);
    void (*closed)(const cl_host *host, bool destroyed);
} cl_host_gui;

#define CL_TIMER "clap.timer-support"

typedef struct {
    void (*on_timer)(const cl_plugin *plugin, uint32_t id);
} cl_timer;

typedef struct {
    bool (*start)(const cl_host *host, uint32_t period, uint32_t *id); /* ms */
    bool (*stop)(const cl_host *host, uint32_t id);
} cl_host_timer;
