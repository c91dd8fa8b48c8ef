/* vst3_face.h - the plugin as a VST 3: one object that is component, processor and controller. */
#pragma once

#include <stdatomic.h>

#include "face/face.h"
#include "support/waiting.h"
#include "vst3_abi.h"

#define VST_NAME TAGNODE_PLUGIN_NAME
#define VST_VENDOR "pyplugin"

#define VST_ID_OF(words) VST_ID(words)
#define VST_TAGNODE_ID VST_ID_OF(TAGNODE_PLUGIN_VST3_CLASS)

typedef struct {
    /* One for each interface; a host holds a pointer to one of these. */
    const vst_component_table *component;
    const vst_processor_table *processor;
    const vst_controller_table *controller;
    const vst_requirements_table *requirements;
    const vst_units_table *units;

    _Atomic uint32_t references;
    tagplug *core;
    uintptr_t main_thread; /* the one that ran initialize; 0 before */
    double rate;
    uint32_t channels;     /* of the output, and of the core */
    uint32_t inputs;       /* channels of the main input: as many, or 1 for both */
    uint32_t sidechain;    /* channels: 0, 1 or 2 */
    _Atomic bool is_keyed; /* the host has activated the sidechain */
    bool active;
    int32_t selected;     /* unit, by the host */
    vst_handler *handler; /* NULL: the host has none */

    /* Values that the controller got while active. A host sends them to process as well, where they
     * take effect at their sample; these are only for a state that is saved before. */
    struct {
        _Atomic bool set;
        _Atomic float value;
    } asked[TAGPLUG_INPUTS];

    uint32_t program, program_changes;  /* the one loaded, and tagplug_changes after that */
    uint64_t texts;                     /* of which the host was notified */
    face_outputs outputs;               /* with the changes of a block */
    float edited[TAGPLUG_OUTPUTS];      /* by perform_edit */
    int32_t points[TAGPLUG_PARAMETERS]; /* of each queue of a block, how many are applied */
    face_block block;
} vst_face;

extern const vst_component_table vst_component;
extern const vst_processor_table vst_processor;
extern const vst_requirements_table vst_requirements;
extern const vst_controller_table vst_controller;
extern const vst_units_table vst_units;

/* Makes a face with one reference to it; NULL when there is no memory. */
vst_face *vst_face_create(void);

/* The functions that every interface begins with. */
int32_t vst_face_query(vst_face *face, const vst_id id, void **object);
uint32_t vst_face_ref(vst_face *face);
uint32_t vst_face_unref(vst_face *face);

/* The face of an interface, whose table pointer is this member, and its first three functions. */
#define VST_INTERFACE(member)                                                                      \
    static vst_face *face_of_##member(void *self) TAGNODE_NONBLOCKING {                            \
        return (vst_face *)(void *)((char *)self - offsetof(vst_face, member));                    \
    }                                                                                              \
    static int32_t member##_query(void *self, const vst_id id, void **object) {                    \
        return vst_face_query(face_of_##member(self), id, object);                                 \
    }                                                                                              \
    static uint32_t member##_ref(void *self) {                                                     \
        return vst_face_ref(face_of_##member(self));                                               \
    }                                                                                              \
    static uint32_t member##_unref(void *self) {                                                   \
        return vst_face_unref(face_of_##member(self));                                             \
    }

/* Whether this is the thread that ran initialize. [any] */
bool vst_on_main_thread(const vst_face *face) TAGNODE_NONBLOCKING;

/* Notifies the host if texts have changed, on the thread that ran initialize. */
void vst_notice_texts(vst_face *face);

/* Passes values that the controller got to the core. [main] */
void vst_settle(vst_face *face);

/* The programs are the presets that are compiled in, after "no preset", which changes nothing: it
 * is the current one once a parameter was set after a preset. */
uint32_t vst_program_count(void); /* 0 without presets */
const char *vst_program_name(uint32_t program);
uint32_t vst_program(const vst_face *face);
void vst_set_program(vst_face *face, uint32_t program); /* [main] */

int32_t vst_load(vst_face *face, vst_stream *stream);
int32_t vst_save(vst_face *face, vst_stream *stream);

/* A view of the face, with a reference to both; NULL where the build has no window. [main] */
vst_view *vst_view_create(vst_face *face);
