/* face.c - nodes and their movers for JavaScript. */
#include "face.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/container.h"

enum { QUEUE = 1024, MOVER_QUEUE = 256 };

typedef struct {
    tagnode_automation *automation;
    bool active, signal;
    uint32_t source;
} mover;

struct web_node {
    tagnode *node;
    uint32_t channels, max_frames;
    int64_t position;
    float *input[TAGNODE_MAX_CHANNELS];
    float *values, *signals, *mel, *moved;
    double frame[4];
    mover movers[WEB_MOVERS];
};

static tagnode_message message;

static const char *text(const char *found) {
    return found != NULL ? found : "";
}

WEB_EXPORT(web_allocate) void *web_allocate(size_t size) {
    return malloc(size);
}

WEB_EXPORT(web_release) void web_release(void *memory) {
    free(memory);
}

WEB_EXPORT(web_message) const char *web_message(void) {
    return message.text;
}

WEB_EXPORT(web_mover_count) uint32_t web_mover_count(void) {
    return WEB_MOVERS;
}

WEB_EXPORT(web_instruction_set) const char *web_instruction_set(void) {
    return tagnode_model_instruction_set();
}

/* ---- models ---- */

WEB_EXPORT(web_model_read) web_model *web_model_read(const void *bytes, size_t size) {
    web_model *model = NULL;
    (void)tagplug_model_read(bytes, size, &model, &message);
    return model;
}

WEB_EXPORT(web_model_free) void web_model_free(web_model *model) {
    tagplug_model_free(model);
}

WEB_EXPORT(web_model_name) const char *web_model_name(const web_model *model) {
    return model->name;
}

WEB_EXPORT(web_model_number)
double web_model_number(const web_model *model, web_model_field field) {
    const tagnode_frontend_settings *f = &model->card.frontend;
    switch (field) {
    case WEB_MODEL_LABELS: return model->label_count;
    case WEB_MODEL_RATE: return f->sample_rate;
    case WEB_MODEL_FRAME: return f->frame;
    case WEB_MODEL_FFT: return f->fft;
    case WEB_MODEL_HOP: return f->hop;
    case WEB_MODEL_BANDS: return f->bands;
    case WEB_MODEL_PATCH: return model->card.patch_frames;
    case WEB_MODEL_FROM_ZERO: return f->framing == TAGNODE_FRAMING_FROM_ZERO;
    }
    return NAN;
}

WEB_EXPORT(web_label_text)
const char *web_label_text(const web_model *model, uint32_t label) {
    return label < model->label_count ? model->labels[label].text : "";
}

WEB_EXPORT(web_label_head)
const char *web_label_head(const web_model *model, uint32_t label) {
    return label < model->label_count ? text(model->labels[label].head) : "";
}

WEB_EXPORT(web_label_descriptor)
const char *web_label_descriptor(const web_model *model, uint32_t label) {
    static char name[TAGPLUG_NAME_MOST];
    name[0] = '\0';
    if (label < model->label_count) tagplug_label_name(&model->labels[label], name, sizeof name);
    return name;
}

/* ---- tables ---- */

WEB_EXPORT(web_signal_name) const char *web_signal_name(uint32_t signal) {
    const tagnode_signal *about = tagnode_signal_info(signal);
    return about != NULL ? about->name : "";
}

WEB_EXPORT(web_signal_low) double web_signal_low(uint32_t signal) {
    const tagnode_signal *about = tagnode_signal_info(signal);
    return about != NULL ? about->low : NAN;
}

WEB_EXPORT(web_signal_high) double web_signal_high(uint32_t signal) {
    const tagnode_signal *about = tagnode_signal_info(signal);
    return about != NULL ? about->high : NAN;
}

WEB_EXPORT(web_knob_name) const char *web_knob_name(uint32_t knob) {
    const tagnode_knob *about = tagnode_knob_info(knob);
    return about != NULL ? about->name : "";
}

WEB_EXPORT(web_knob_default) double web_knob_default(uint32_t knob) {
    const tagnode_knob *about = tagnode_knob_info(knob);
    return about != NULL ? about->default_value : NAN;
}

WEB_EXPORT(web_knob_choice) const char *web_knob_choice(uint32_t knob, uint32_t choice) {
    const tagnode_knob *about = tagnode_knob_info(knob);
    return about != NULL && choice < about->choice_count ? about->choices[choice] : "";
}

static bool read_mapping(const double *knobs, tagnode_mapping *mapping) {
    *mapping = tagnode_mapping_default();
    for (uint32_t knob = 0; knob < tagnode_knob_count(); ++knob)
        if (tagnode_mapping_set(mapping, knob, knobs[knob], &message) != TAGNODE_OK) return false;
    return tagnode_mapping_check(mapping, &message) == TAGNODE_OK;
}

WEB_EXPORT(web_mapping_check) bool web_mapping_check(const double *knobs) {
    tagnode_mapping mapping;
    return read_mapping(knobs, &mapping);
}

/* ---- nodes ---- */

/* Allocates what tagnode_prepare() does not. */
static bool make_room(web_node *node, uint32_t sample_rate) {
    const tagnode_mapping mapping = tagnode_mapping_default();
    for (uint32_t c = 0; c < node->channels; ++c) {
        node->input[c] = calloc(node->max_frames, sizeof(float));
        if (node->input[c] == NULL) return false;
    }
    node->values = calloc((size_t)tagnode_value_count(node->node) + 1, sizeof(float));
    node->signals = calloc((size_t)tagnode_signal_count() + 1, sizeof(float));
    node->mel = calloc((size_t)tagnode_band_count(node->node) + 1, sizeof(float));
    node->moved = calloc(node->max_frames, sizeof(float));
    for (uint32_t i = 0; i < WEB_MOVERS; ++i)
        if (tagnode_automation_create(&mapping, 1, TAGNODE_COMBINE_SUM, sample_rate, MOVER_QUEUE,
                                      &node->movers[i].automation, &message) != TAGNODE_OK)
            return false;
    return node->values != NULL && node->signals != NULL && node->mel != NULL &&
           node->moved != NULL;
}

WEB_EXPORT(web_node_create)
web_node *web_node_create(web_model *model, uint32_t sample_rate, uint32_t channels,
                          uint32_t max_frames, double hop, double signal_hop, uint32_t mel_queue,
                          bool offline, bool whole) {
    tagnode_setup setup = tagnode_setup_default();
    tagnode_parts parts = {.model_count = 0};
    setup.sample_rate = sample_rate;
    setup.channels = channels;
    setup.max_frames = max_frames;
    setup.hop = hop;
    setup.signal_hop = signal_hop;
    setup.mel_queue = mel_queue;
    setup.queue = QUEUE;
    setup.offline = offline;
    setup.whole_windows = whole;
    if (model != NULL)
        parts = (tagnode_parts){.models = &model->model,
                                .model_count = 1,
                                .heads = model->heads,
                                .head_count = model->head_count};
    message.text[0] = '\0'; /* without a sentence there was no memory */
    web_node *node = calloc(1, sizeof *node);
    if (node == NULL) return NULL;
    node->channels = channels;
    node->max_frames = max_frames;
    if (tagnode_create(&node->node) == TAGNODE_OK &&
        tagnode_prepare(node->node, &parts, &setup, &message) == TAGNODE_OK &&
        make_room(node, sample_rate))
        return node;
    web_node_free(node);
    return NULL;
}

WEB_EXPORT(web_node_free) void web_node_free(web_node *node) {
    if (node == NULL) return;
    tagnode_destroy(node->node);
    for (uint32_t c = 0; c < TAGNODE_MAX_CHANNELS; ++c) free(node->input[c]);
    for (uint32_t i = 0; i < WEB_MOVERS; ++i)
        tagnode_automation_destroy(node->movers[i].automation);
    free(node->values);
    free(node->signals);
    free(node->mel);
    free(node->moved);
    free(node);
}

WEB_EXPORT(web_node_number) double web_node_number(const web_node *node, web_node_field field) {
    switch (field) {
    case WEB_NODE_LATENCY: return tagnode_get_latency(node->node).total;
    case WEB_NODE_HOP_FRAMES: return tagnode_hop_frames(node->node);
    case WEB_NODE_FIRST_FRAMES: return tagnode_first_frames(node->node);
    case WEB_NODE_VALUES: return tagnode_value_count(node->node);
    case WEB_NODE_BANDS: return tagnode_band_count(node->node);
    case WEB_NODE_REPLACED: return (double)tagnode_get_counters(node->node).replaced;
    }
    return NAN;
}

WEB_EXPORT(web_node_input) float *web_node_input(web_node *node, uint32_t channel) {
    return node->input[channel];
}

WEB_EXPORT(web_node_process) void web_node_process(web_node *node, uint32_t frames) {
    tagnode_process(node->node, (const float *const *)node->input, frames);
    node->position += frames;
}

static void describe(web_node *node, const tagnode_frame *frame) {
    node->frame[0] = (double)frame->start;
    node->frame[1] = (double)frame->end;
    node->frame[2] = (double)frame->emitted;
    node->frame[3] = frame->state;
}

static void push(web_node *node, bool signal, const float *values, int64_t position) {
    for (uint32_t i = 0; i < WEB_MOVERS; ++i) {
        const mover *to = &node->movers[i];
        if (to->active && to->signal == signal)
            tagnode_automation_push(to->automation, 0, position, values[to->source]);
    }
}

WEB_EXPORT(web_node_read) bool web_node_read(web_node *node) {
    tagnode_frame frame;
    if (tagnode_read(node->node, &frame, node->values, NULL, 1) == 0) return false;
    describe(node, &frame);
    if (frame.state == TAGNODE_FRESH) push(node, false, node->values, frame.emitted);
    return true;
}

WEB_EXPORT(web_node_read_signals) bool web_node_read_signals(web_node *node) {
    tagnode_frame frame;
    if (tagnode_read_signals(node->node, &frame, node->signals, 1) == 0) return false;
    describe(node, &frame);
    push(node, true, node->signals, frame.emitted);
    return true;
}

WEB_EXPORT(web_node_read_mel) bool web_node_read_mel(web_node *node) {
    return tagnode_read_mel(node->node, node->mel, 1) == 1;
}

WEB_EXPORT(web_node_frame) const double *web_node_frame(const web_node *node) {
    return node->frame;
}

WEB_EXPORT(web_node_values) const float *web_node_values(const web_node *node) {
    return node->values;
}

WEB_EXPORT(web_node_signals) const float *web_node_signals(const web_node *node) {
    return node->signals;
}

WEB_EXPORT(web_node_mel) const float *web_node_mel(const web_node *node) {
    return node->mel;
}

/* ---- movers ---- */

WEB_EXPORT(web_node_map)
bool web_node_map(web_node *node, uint32_t index, bool signal, uint32_t source,
                  const double *knobs) {
    tagnode_mapping mapping;
    const uint32_t sources = signal ? tagnode_signal_count() : tagnode_value_count(node->node);
    if (index >= WEB_MOVERS || source >= sources || !read_mapping(knobs, &mapping)) return false;
    mover *to = &node->movers[index];
    const bool moved = to->active && to->signal == signal && to->source == source;
    if (!tagnode_automation_change(to->automation, 0, &mapping)) return false;
    if (!moved) tagnode_automation_reset(to->automation);
    to->active = true;
    to->signal = signal;
    to->source = source;
    return true;
}

WEB_EXPORT(web_node_move)
const float *web_node_move(web_node *node, uint32_t index, uint32_t frames) {
    const mover *from = &node->movers[index];
    for (uint32_t i = 0; i < frames; ++i)
        node->moved[i] = from->active
                             ? tagnode_automation_at(from->automation, node->position - frames + i)
                             : 0.0F;
    return node->moved;
}
