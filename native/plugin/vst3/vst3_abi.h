/* vst3_abi.h - the parts of VST 3's binary interface that the plugin uses.
 *
 * An object is a struct that begins with a pointer to its table of functions; every function takes
 * the object first, and every table begins with those of vst_unknown. Layouts, numbers and
 * interface ids are those of pluginterfaces/base and pluginterfaces/vst of
 * https://github.com/steinbergmedia/vst3_pluginterfaces; native/tests/plugin/abi_dpf.c compares
 * them with travesty, the pure C headers (ISC) in Debian's dpf-source. On the 64-bit systems that
 * we build for, the packing that VST 3 asks for is the natural one, and its calling convention that
 * of C.
 *
 * [main] is the host's thread for its interface, [audio] the one that processes. */
#pragma once

#include "tagnode.h" /* TAGNODE_NONBLOCKING: what the ABI promises for [audio] */

#if defined(_WIN32) && !defined(_WIN64)
#error "32-bit Windows has other calling conventions than that of C"
#endif

typedef uint8_t vst_id[16];
typedef int16_t vst_text[128]; /* UTF-16, ends with 0 */

/* Windows keeps the first half of an id as COM does, the other systems keep it in reading order. */
#if defined(_WIN32)
#define VST_ID(a, b, c, d)                                                                         \
    {(uint8_t)((a) & 0xFF), (uint8_t)((a) >> 8 & 0xFF),  (uint8_t)((a) >> 16 & 0xFF),              \
     (uint8_t)((a) >> 24),  (uint8_t)((b) >> 16 & 0xFF), (uint8_t)((b) >> 24),                     \
     (uint8_t)((b) & 0xFF), (uint8_t)((b) >> 8 & 0xFF),  VST_ID_REST(c),                           \
     VST_ID_REST(d)}
enum {
    VST_OK = 0,
    VST_FALSE = 1,
    VST_NO_INTERFACE = (int32_t)0x80004002,
    VST_INVALID_ARGUMENT = (int32_t)0x80070057,
    VST_NOT_IMPLEMENTED = (int32_t)0x80004001,
    VST_OUT_OF_MEMORY = (int32_t)0x8007000E
};
#else
#define VST_ID(a, b, c, d) {VST_ID_REST(a), VST_ID_REST(b), VST_ID_REST(c), VST_ID_REST(d)}
enum {
    VST_OK = 0,
    VST_FALSE = 1,
    VST_NO_INTERFACE = -1,
    VST_INVALID_ARGUMENT = 2,
    VST_NOT_IMPLEMENTED = 3,
    VST_OUT_OF_MEMORY = 6
};
#endif
#define VST_ID_REST(x)                                                                             \
    (uint8_t)((x) >> 24), (uint8_t)((x) >> 16 & 0xFF), (uint8_t)((x) >> 8 & 0xFF),                 \
        (uint8_t)((x) & 0xFF)

/* ------------------------------------------------------------------------- unknown, streams --- */

#define VST_UNKNOWN_ID VST_ID(0x00000000, 0x00000000, 0xC0000000, 0x00000046)

typedef struct {
    int32_t (*query)(void *self, const vst_id id, void **object);
    uint32_t (*ref)(void *self);
    uint32_t (*unref)(void *self);
} vst_unknown;

#define VST_PLUGIN_BASE_ID VST_ID(0x22888DDB, 0x156E45AE, 0x8358B348, 0x08190625)

typedef struct {
    vst_unknown unknown;
    int32_t (*initialize)(void *self, void *context);
    int32_t (*terminate)(void *self);
} vst_plugin_base;

typedef struct {
    vst_unknown unknown;
    int32_t (*read)(void *self, void *bytes, int32_t size, int32_t *done);
    int32_t (*write)(void *self, void *bytes, int32_t size, int32_t *done);
    int32_t (*seek)(void *self, int64_t position, int32_t mode, int64_t *result);
    int32_t (*tell)(void *self, int64_t *position);
} vst_stream_table;

typedef struct {
    const vst_stream_table *table;
} vst_stream;

/* --------------------------------------------------------------------------------- factory --- */

enum { VST_FACTORY_UNICODE = 0x10, VST_MANY_INSTANCES = 0x7FFFFFFF };
#define VST_CATEGORY "Audio Module Class"

typedef struct {
    char vendor[64], url[256], email[128];
    int32_t flags;
} vst_factory_info;

typedef struct {
    vst_id id;
    int32_t cardinality;
    char category[32], name[64];
} vst_class;

typedef struct {
    vst_id id;
    int32_t cardinality;
    char category[32], name[64];
    uint32_t flags;
    char sub_categories[128], vendor[64], version[64], sdk_version[64];
} vst_class_2;

typedef struct {
    vst_id id;
    int32_t cardinality;
    char category[32];
    int16_t name[64];
    uint32_t flags;
    char sub_categories[128];
    int16_t vendor[64], version[64], sdk_version[64];
} vst_class_3;

#define VST_FACTORY_ID VST_ID(0x7A4D811C, 0x52114A1F, 0xAED9D2EE, 0x0B43BF9F)
#define VST_FACTORY_2_ID VST_ID(0x0007B650, 0xF24B4C0B, 0xA464EDB9, 0xF00B2ABB)
#define VST_FACTORY_3_ID VST_ID(0x4555A2AB, 0xC1234E57, 0x9B122910, 0x36878931)

typedef struct {
    vst_unknown unknown;
    int32_t (*info)(void *self, vst_factory_info *info);
    int32_t (*count)(void *self);
    int32_t (*class_info)(void *self, int32_t index, vst_class *info);
    int32_t (*create)(void *self, const vst_id class_id, const vst_id id, void **object);
    int32_t (*class_info_2)(void *self, int32_t index, vst_class_2 *info); /* from 2 on */
    int32_t (*class_info_3)(void *self, int32_t index, vst_class_3 *info); /* from 3 on */
    int32_t (*set_host)(void *self, void *context);
} vst_factory_table;

typedef struct {
    const vst_factory_table *table;
} vst_factory;

/* ------------------------------------------------------------------------------- component --- */

enum { VST_AUDIO = 0, VST_EVENT = 1 };
enum { VST_INPUT = 0, VST_OUTPUT = 1 };
enum { VST_BUS_MAIN = 0, VST_BUS_AUX = 1 };
enum { VST_BUS_DEFAULT_ACTIVE = 1 << 0 };

typedef struct {
    int32_t media, direction, channels;
    vst_text name;
    int32_t type;
    uint32_t flags;
} vst_bus;

#define VST_COMPONENT_ID VST_ID(0xE831FF31, 0xF2D54301, 0x928EBBEE, 0x25697802)

typedef struct { /* [main] */
    vst_plugin_base base;
    int32_t (*controller_class)(void *self, vst_id class_id);
    int32_t (*set_io_mode)(void *self, int32_t mode);
    int32_t (*bus_count)(void *self, int32_t media, int32_t direction);
    int32_t (*bus_info)(void *self, int32_t media, int32_t direction, int32_t index, vst_bus *info);
    int32_t (*routing_info)(void *self, void *input, void *output);
    int32_t (*activate_bus)(void *self, int32_t media, int32_t direction, int32_t index,
                            uint8_t state);
    int32_t (*set_active)(void *self, uint8_t state);
    int32_t (*set_state)(void *self, vst_stream *stream);
    int32_t (*get_state)(void *self, vst_stream *stream);
} vst_component_table;

/* -------------------------------------------------------------------------------- processor --- */

enum { VST_SPEAKERS_NONE = 0, VST_SPEAKERS_STEREO = 3, VST_SPEAKERS_MONO = 1 << 19 };
enum { VST_REALTIME = 0, VST_PREFETCH = 1, VST_OFFLINE = 2 };
enum { VST_SAMPLE_32 = 0, VST_SAMPLE_64 = 1 };

typedef struct {
    int32_t process_mode, sample_size, max_frames;
    double rate;
} vst_setup;

/* The changes of one parameter in a block, sorted by time. [audio] */
typedef struct {
    vst_unknown unknown;
    uint32_t (*parameter)(void *self) TAGNODE_NONBLOCKING;
    int32_t (*count)(void *self) TAGNODE_NONBLOCKING;
    int32_t (*point)(void *self, int32_t index, int32_t *offset, double *value) TAGNODE_NONBLOCKING;
    int32_t (*add)(void *self, int32_t offset, double value, int32_t *index) TAGNODE_NONBLOCKING;
} vst_queue_table;

typedef struct {
    const vst_queue_table *table;
} vst_queue;

typedef struct { /* [audio] */
    vst_unknown unknown;
    int32_t (*count)(void *self) TAGNODE_NONBLOCKING;
    vst_queue *(*queue)(void *self, int32_t index)TAGNODE_NONBLOCKING;
    vst_queue *(*add)(void *self, const uint32_t *parameter, int32_t *index)TAGNODE_NONBLOCKING;
} vst_changes_table;

typedef struct {
    const vst_changes_table *table;
} vst_changes;

enum { VST_EVENT_MIDI_CC = 65535 };

typedef struct {
    uint8_t controller;
    int8_t channel, value, value_2;
} vst_midi_cc;

typedef struct {
    int32_t bus, offset;
    double quarters;
    uint16_t flags, type;
    union {
        vst_midi_cc midi_cc;
        uint64_t other[3]; /* room for the kinds that we do not use */
    } of;
} vst_event;

typedef struct { /* [audio] */
    vst_unknown unknown;
    int32_t (*count)(void *self) TAGNODE_NONBLOCKING;
    int32_t (*get)(void *self, int32_t index, vst_event *event) TAGNODE_NONBLOCKING;
    int32_t (*add)(void *self, vst_event *event) TAGNODE_NONBLOCKING;
} vst_events_table;

typedef struct {
    const vst_events_table *table;
} vst_events;

typedef struct {
    int32_t channels;
    uint64_t silence; /* bit of each channel that is silent */
    union {
        float **of_32;
        double **of_64;
    } samples;
} vst_audio_bus;

typedef struct {
    int32_t process_mode, sample_size, frames, input_count, output_count;
    vst_audio_bus *inputs, *outputs;
    vst_changes *in_changes, *out_changes;
    vst_events *in_events, *out_events;
    const void *context;
} vst_data;

#define VST_PROCESSOR_ID VST_ID(0x42043F99, 0xB7DA453C, 0xA569E79D, 0x9AAEC33D)

typedef struct {
    vst_unknown unknown;
    int32_t (*set_arrangements)(void *self, const uint64_t *inputs, int32_t input_count,
                                const uint64_t *outputs, int32_t output_count);
    int32_t (*get_arrangement)(void *self, int32_t direction, int32_t index, uint64_t *speakers);
    int32_t (*can_process)(void *self, int32_t sample_size);
    uint32_t (*latency)(void *self);
    int32_t (*setup)(void *self, const vst_setup *setup);
    int32_t (*set_processing)(void *self, uint8_t state);
    int32_t (*process)(void *self, vst_data *data) TAGNODE_NONBLOCKING;
    uint32_t (*tail)(void *self);
} vst_processor_table;

#define VST_REQUIREMENTS_ID VST_ID(0x2A654303, 0xEF764E3D, 0x95B5FE83, 0x730EF6D0)

typedef struct {
    vst_unknown unknown;
    uint32_t (*get)(void *self); /* parts of the context that process wants */
} vst_requirements_table;

/* ------------------------------------------------------------------------------ controller --- */

enum { VST_RESTART_VALUES = 1 << 2, VST_RESTART_TITLES = 1 << 4 };

typedef struct { /* [main] */
    vst_unknown unknown;
    int32_t (*begin_edit)(void *self, uint32_t parameter);
    int32_t (*perform_edit)(void *self, uint32_t parameter, double value);
    int32_t (*end_edit)(void *self, uint32_t parameter);
    int32_t (*restart)(void *self, int32_t flags);
} vst_handler_table;

typedef struct {
    const vst_handler_table *table;
} vst_handler;

enum {
    VST_PARAMETER_AUTOMATABLE = 1 << 0,
    VST_PARAMETER_READ_ONLY = 1 << 1,
    VST_PARAMETER_LIST = 1 << 3,
    VST_PARAMETER_PROGRAM = 1 << 15,
    VST_PARAMETER_BYPASS = 1 << 16
};

typedef struct {
    uint32_t id;
    vst_text title, short_title, unit;
    int32_t steps; /* 0: continuous; else the last step */
    double start;  /* 0 to 1 */
    int32_t unit_id;
    int32_t flags;
} vst_parameter;

#define VST_CONTROLLER_ID VST_ID(0xDCD7BBE3, 0x7742448D, 0xA874AACC, 0x979C759E)

typedef struct { /* [main]; values are 0 to 1 but for "plain" ones */
    vst_plugin_base base;
    int32_t (*set_component_state)(void *self, vst_stream *stream);
    int32_t (*set_state)(void *self, vst_stream *stream);
    int32_t (*get_state)(void *self, vst_stream *stream);
    int32_t (*count)(void *self);
    int32_t (*info)(void *self, int32_t index, vst_parameter *info);
    int32_t (*text_of)(void *self, uint32_t id, double value, vst_text text);
    int32_t (*value_of)(void *self, uint32_t id, const int16_t *text, double *value);
    double (*to_plain)(void *self, uint32_t id, double value);
    double (*from_plain)(void *self, uint32_t id, double plain);
    double (*get)(void *self, uint32_t id);
    int32_t (*set)(void *self, uint32_t id, double value);
    int32_t (*set_handler)(void *self, vst_handler *handler);
    void *(*create_view)(void *self, const char *name);
} vst_controller_table;

/* Units are groups of parameters; unit 0 is all of them. */
typedef struct {
    int32_t id, parent;
    vst_text name;
    int32_t programs; /* its list; -1: none */
} vst_unit;

typedef struct {
    int32_t id;
    vst_text name;
    int32_t count;
} vst_program_list;

#define VST_UNITS_ID VST_ID(0x3D4BD6B5, 0x913A4FD2, 0xA886E768, 0xA5EB92C1)

typedef struct { /* [main] */
    vst_unknown unknown;
    int32_t (*count)(void *self);
    int32_t (*info)(void *self, int32_t index, vst_unit *info);
    int32_t (*program_list_count)(void *self);
    int32_t (*program_list)(void *self, int32_t index, vst_program_list *info);
    int32_t (*program_name)(void *self, int32_t list, int32_t program, vst_text name);
    int32_t (*program_info)(void *self, int32_t list, int32_t program, const char *what,
                            vst_text value);
    int32_t (*has_pitch_names)(void *self, int32_t list, int32_t program);
    int32_t (*pitch_name)(void *self, int32_t list, int32_t program, int16_t pitch, vst_text name);
    int32_t (*selected)(void *self);
    int32_t (*select)(void *self, int32_t id);
    int32_t (*of_bus)(void *self, int32_t media, int32_t direction, int32_t bus, int32_t channel,
                      int32_t *id);
    int32_t (*set_program)(void *self, int32_t list, int32_t program, vst_stream *data);
} vst_units_table;

/* ------------------------------------------------------------------------------------ view --- */

#define VST_VIEW_EDITOR "editor"
#define VST_WINDOW_X11 "X11EmbedWindowID"
#define VST_WINDOW_HWND "HWND"
#if defined(_WIN32)
#define VST_WINDOW_NATIVE VST_WINDOW_HWND
#else
#define VST_WINDOW_NATIVE VST_WINDOW_X11
#endif

typedef struct {
    int32_t left, top, right, bottom; /* pixels */
} vst_rect;

typedef struct vst_view vst_view;

typedef struct { /* [main] */
    vst_unknown unknown;
    int32_t (*resize)(void *self, vst_view *view, vst_rect *size);
} vst_frame_table;

typedef struct {
    const vst_frame_table *table;
} vst_frame;

#define VST_VIEW_ID VST_ID(0x5BC32507, 0xD06049EA, 0xA6151B52, 0x2B755B29)

typedef struct { /* [main] */
    vst_unknown unknown;
    int32_t (*is_supported)(void *self, const char *kind);
    int32_t (*attached)(void *self, void *parent, const char *kind);
    int32_t (*removed)(void *self);
    int32_t (*on_wheel)(void *self, float distance);
    int32_t (*on_key_down)(void *self, int16_t key, int16_t code, int16_t modifiers);
    int32_t (*on_key_up)(void *self, int16_t key, int16_t code, int16_t modifiers);
    int32_t (*get_size)(void *self, vst_rect *size);
    int32_t (*on_size)(void *self, vst_rect *size);
    int32_t (*on_focus)(void *self, uint8_t state);
    int32_t (*set_frame)(void *self, vst_frame *frame);
    int32_t (*can_resize)(void *self);
    int32_t (*check_size)(void *self, vst_rect *size);
} vst_view_table;

#define VST_SCALE_ID VST_ID(0x65ED9690, 0x8AC44525, 0x8AADEF7A, 0x72EA703F)

typedef struct { /* [main] */
    vst_unknown unknown;
    int32_t (*set_scale)(void *self, float scale);
} vst_scale_table;

#define VST_TIMER_ID VST_ID(0x10BDD94F, 0x41424774, 0x821FAD8F, 0xECA72CA9)

typedef struct { /* [main] */
    vst_unknown unknown;
    void (*on_timer)(void *self);
} vst_timer_table;

typedef struct {
    const vst_timer_table *table;
} vst_timer;

/* Linux: the host's loop, an interface of its frame. */
#define VST_LOOP_ID VST_ID(0x18C35366, 0x97764F1A, 0x9C5B8385, 0x7A871389)

typedef struct { /* [main] */
    vst_unknown unknown;
    int32_t (*add_events)(void *self, void *handler, int descriptor);
    int32_t (*remove_events)(void *self, void *handler);
    int32_t (*add_timer)(void *self, vst_timer *timer, uint64_t ms);
    int32_t (*remove_timer)(void *self, vst_timer *timer);
} vst_loop_table;

typedef struct {
    const vst_loop_table *table;
} vst_loop;
