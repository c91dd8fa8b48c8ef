/* face.h - what tagnode.wasm exports: tagnode.h and .tagnode files in functions of numbers and
 * addresses, which is all that JavaScript can pass. core.js is their one caller.
 *
 * A module has one thread. Everything is allocated by web_node_create(); what is called in an
 * AudioWorklet's process() afterwards computes only. Texts are UTF-8 and end with a 0. */
#pragma once

#include "tagnode.h"

#define WEB_EXPORT(name) __attribute__((export_name(#name)))

enum { WEB_MOVERS = 16 /* parameters that a node can move */ };

typedef struct tagplug_model web_model;
typedef struct web_node web_node;

/* What web_model_number() and web_node_number() return. */
typedef enum {
    WEB_MODEL_LABELS,
    WEB_MODEL_RATE,
    WEB_MODEL_FRAME,
    WEB_MODEL_FFT,
    WEB_MODEL_HOP,
    WEB_MODEL_BANDS,
    WEB_MODEL_PATCH,
    WEB_MODEL_FROM_ZERO
} web_model_field;

typedef enum {
    WEB_NODE_LATENCY,
    WEB_NODE_HOP_FRAMES,
    WEB_NODE_FIRST_FRAMES,
    WEB_NODE_VALUES,
    WEB_NODE_BANDS,
    WEB_NODE_REPLACED
} web_node_field;

/* Memory for bytes that JavaScript writes; NULL without memory. */
void *web_allocate(size_t size);
void web_release(void *memory);

/* Returns why the last call failed. */
const char *web_message(void);
const char *web_instruction_set(void);
uint32_t web_mover_count(void); /* of a node: WEB_MOVERS */

/* Reads a container; NULL on failure. */
web_model *web_model_read(const void *bytes, size_t size);
void web_model_free(web_model *model);
const char *web_model_name(const web_model *model);
double web_model_number(const web_model *model, web_model_field field);

/* Return a label's text, the name of its head ("" for the model's own) and of its descriptor. The
 * last is valid until the next call. */
const char *web_label_text(const web_model *model, uint32_t label);
const char *web_label_head(const web_model *model, uint32_t label);
const char *web_label_descriptor(const web_model *model, uint32_t label);

/* The tables of signals and knobs; "" and NaN past the end. */
const char *web_signal_name(uint32_t signal);
double web_signal_low(uint32_t signal);
double web_signal_high(uint32_t signal);
const char *web_knob_name(uint32_t knob);
double web_knob_default(uint32_t knob);
const char *web_knob_choice(uint32_t knob, uint32_t choice);

/* Returns whether a mapping may have these knobs, tagnode_knob_count() of them. */
bool web_mapping_check(const double *knobs);

/* Prepares a node; NULL on failure. `model` may be NULL and must outlive the node. `max_frames` and
 * `hop`, `signal_hop` (s), `mel_queue` and `offline` are those of tagnode_setup; `whole` is its
 * whole_windows. */
web_node *web_node_create(web_model *model, uint32_t sample_rate, uint32_t channels,
                          uint32_t max_frames, double hop, double signal_hop, uint32_t mel_queue,
                          bool offline, bool whole);
void web_node_free(web_node *node);
double web_node_number(const web_node *node, web_node_field field);

/* Returns the max_frames floats of a channel, into which the input is written. */
float *web_node_input(web_node *node, uint32_t channel);

/* Processes that many samples of the input. */
void web_node_process(web_node *node, uint32_t frames);

/* Read the next frame, in which case they return true: web_node_frame() has its start, end,
 * emitted and state, web_node_values() its values, and the movers get them. */
bool web_node_read(web_node *node);
bool web_node_read_signals(web_node *node);
bool web_node_read_mel(web_node *node);
const double *web_node_frame(const web_node *node);
const float *web_node_values(const web_node *node);
const float *web_node_signals(const web_node *node);
const float *web_node_mel(const web_node *node);

/* Connects a mover with the signal or the label of that number, and gives it new knobs, those of
 * web_mapping_check(). Nothing is allocated. Returns whether it could. */
bool web_node_map(web_node *node, uint32_t index, bool signal, uint32_t source,
                  const double *knobs);

/* Returns the parameter at each of the last `frames` samples that were processed. */
const float *web_node_move(web_node *node, uint32_t index, uint32_t frames);
