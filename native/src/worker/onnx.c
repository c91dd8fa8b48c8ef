/* onnx.c - an engine on onnxruntime's C API.
 *
 * Inputs and outputs are buffers of ours that onnxruntime reads and writes in place, with the
 * shapes of the file. */
#include "support/message.h"
#include "support/patch.h"
#include "worker/engines.h"
#include "worker/library.h"
#include "worker/onnx_api.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    int64_t sizes[ONNX_MAX_RANK];
    size_t rank;
} onnx_sizes;

typedef struct {
    tagnode_engine engine; /* first, so that the two share an address */
    const onnx_api *api;
    onnx_environment *environment;
    onnx_options *options;
    onnx_session *session;
    onnx_memory *memory;
    onnx_allocator *allocator; /* onnxruntime's own, for names */
    char *names[1 + TAGNODE_MAX_OUTPUTS];
    float *buffers[1 + TAGNODE_MAX_OUTPUTS]; /* the input's, then those of the outputs */
    onnx_value *values[1 + TAGNODE_MAX_OUTPUTS];
    tagnode_card card;
} onnx_engine;

/* --------------------------------------------------------------------------------- running --- */

static tagnode_status run(tagnode_engine *engine, const float *patch, float *const *outputs) {
    onnx_engine *self = (onnx_engine *)engine;
    const onnx_value *const input = self->values[0];
    const char *const input_name = self->names[0];
    tagnode_patch_normalise(&self->card, patch, self->buffers[0]);
    onnx_status *failed =
        self->api->run(self->session, NULL, &input_name, &input, 1,
                       (const char *const *)self->names + 1, self->card.outputs, self->values + 1);
    if (failed != NULL) {
        self->api->release_status(failed);
        return TAGNODE_ERROR_RUNTIME;
    }
    for (uint32_t i = 0; i < self->card.outputs; ++i)
        if (outputs[i] != NULL)
            memcpy(outputs[i], self->buffers[1 + i],
                   self->card.output_size[i] * sizeof *outputs[i]);
    return TAGNODE_OK;
}

/* Closes whatever was opened, in reverse. */
static void close_engine(tagnode_engine *engine) {
    onnx_engine *self = (onnx_engine *)engine;
    const onnx_api *api = self->api;
    for (size_t i = 0; i <= TAGNODE_MAX_OUTPUTS; ++i) {
        if (self->values[i] != NULL) api->release_value(self->values[i]);
        if (self->names[i] != NULL) {
            onnx_status *failed = api->free(self->allocator, self->names[i]);
            if (failed != NULL) api->release_status(failed);
        }
        free(self->buffers[i]);
    }
    if (self->memory != NULL) api->release_memory(self->memory);
    if (self->session != NULL) api->release_session(self->session);
    if (self->options != NULL) api->release_options(self->options);
    if (self->environment != NULL) api->release_environment(self->environment);
    free(self);
}

/* --------------------------------------------------------------------------------- opening --- */

tagnode_status tagnode_onnx_load(const char *path, const onnx_api **api, tagnode_message *why) {
    typedef struct {
        const onnx_api *(*api)(uint32_t version);
    } base;
    const char *shown = path != NULL ? path : "libonnxruntime.so";
    void *library = tagnode_library_open(shown);
    const base *(*get_base)(void) = NULL;
    if (library != NULL) {
        void *address = tagnode_library_symbol(library, "OrtGetApiBase");
        memcpy((void *)&get_base, (const void *)&address, sizeof address);
    }
    *api = get_base != NULL ? get_base()->api(ONNX_API_VERSION) : NULL;
    if (*api != NULL) return TAGNODE_OK;
    if (library == NULL)
        (void)tagnode_report(
            why, TAGNODE_ERROR_RUNTIME,
            "onnxruntime's library %s cannot be loaded (%s); install onnxruntime again.", shown,
            tagnode_library_error());
    else
        (void)tagnode_report(why, TAGNODE_ERROR_RUNTIME,
                             "%s is not onnxruntime's library: it has no OrtGetApiBase; install "
                             "onnxruntime again.",
                             shown);
    return TAGNODE_ERROR_RUNTIME; /* so that static analysers see it */
}

/* Returns OK where `failed` is NULL; else reports and releases it. */
static tagnode_status checked(const onnx_engine *self, onnx_status *failed, const char *action,
                              tagnode_message *why) {
    if (failed == NULL) return TAGNODE_OK;
    const int code = self->api->error_code(failed);
    const bool damaged = code == ONNX_INVALID_ARGUMENT || code == ONNX_NO_MODEL ||
                         code == ONNX_INVALID_PROTOBUF || code == ONNX_NOT_IMPLEMENTED ||
                         code == ONNX_INVALID_GRAPH;
    const tagnode_status status =
        tagnode_report(why, damaged ? TAGNODE_ERROR_MODEL : TAGNODE_ERROR_RUNTIME,
                       "onnxruntime could not %s: %s", action, self->api->error_message(failed));
    self->api->release_status(failed);
    return status;
}

static tagnode_status open_session(onnx_engine *self, const void *bytes, size_t size,
                                   tagnode_message *why) {
    const onnx_api *api = self->api;
    onnx_status *failed = api->create_environment(ONNX_LOG_FATAL, "tagnode", &self->environment);
    if (failed == NULL) failed = api->create_options(&self->options);
    if (failed == NULL) failed = api->set_severity(self->options, ONNX_LOG_FATAL);
    if (failed == NULL) failed = api->set_inner_threads(self->options, 1);
    if (failed == NULL) failed = api->set_outer_threads(self->options, 1);
    if (failed == NULL) failed = api->default_allocator(&self->allocator);
    if (failed == NULL)
        failed = api->create_memory(ONNX_DEVICE_ALLOCATOR, ONNX_MEMORY_DEFAULT, &self->memory);
    const tagnode_status status = checked(self, failed, "be set up", why);
    if (status != TAGNODE_OK) return status;
    failed = api->create_session(self->environment, bytes, size, self->options, &self->session);
    return checked(self, failed, "read the model", why);
}

/* Gets the shape of a float tensor; the rank stays 0 if it is another type. */
static onnx_status *get_sizes(const onnx_api *api, const onnx_type *type, onnx_sizes *sizes) {
    const onnx_shape *shape = NULL;
    int element = 0;
    size_t rank = 0;
    onnx_status *failed = api->as_shape(type, &shape);
    if (failed != NULL || shape == NULL) return failed;
    failed = api->element(shape, &element);
    if (failed == NULL) failed = api->rank(shape, &rank);
    if (failed != NULL || element != ONNX_FLOAT || rank > ONNX_MAX_RANK) return failed;
    sizes->rank = rank;
    return api->sizes(shape, sizes->sizes, rank);
}

static bool holds(const onnx_sizes *sizes, uint64_t expected) {
    uint64_t count = 1;
    for (size_t i = 0; i < sizes->rank; ++i) {
        if (sizes->sizes[i] < 1 || (uint64_t)sizes->sizes[i] > expected)
            return false; /* keeps the product below in range: expected is below 2^32 */
        count *= (uint64_t)sizes->sizes[i];
        if (count > expected) return false;
    }
    return sizes->rank > 0 && count == expected;
}

/* Gets the name of the input (place 0) or of an output (from 1 on), checks its type against the
 * card and creates its buffer. */
static tagnode_status open_place(onnx_engine *self, size_t place, tagnode_message *why) {
    const onnx_api *api = self->api;
    const tagnode_card *card = &self->card;
    const uint32_t count =
        place == 0 ? card->patch_frames * card->frontend.bands : card->output_size[place - 1];
    onnx_type *type = NULL;
    onnx_sizes sizes = {.rank = 0};
    onnx_status *failed = place == 0 ? api->input_type(self->session, 0, &type)
                                     : api->output_type(self->session, place - 1, &type);
    if (failed == NULL) failed = get_sizes(api, type, &sizes);
    if (type != NULL) api->release_type(type);
    if (failed == NULL)
        failed = place == 0 ? api->input_name(self->session, 0, self->allocator, self->names)
                            : api->output_name(self->session, place - 1, self->allocator,
                                               &self->names[place]);
    const tagnode_status status = checked(self, failed, "describe the model", why);
    if (status != TAGNODE_OK) return status;
    const bool frames_first = sizes.rank == 3 && sizes.sizes[1] == (int64_t)card->patch_frames;
    if (!holds(&sizes, count) || (place == 0 && !frames_first))
        return tagnode_report(why, TAGNODE_ERROR_MODEL,
                              "The model's %s %s is not what its card has, %u values of float32; "
                              "use the model's own card.",
                              place == 0 ? "input" : "output", self->names[place], (unsigned)count);
    self->buffers[place] = calloc(count, sizeof(float));
    if (self->buffers[place] == NULL) return tagnode_no_memory(why, "the model's engine");
    failed = api->create_value(self->memory, self->buffers[place], count * sizeof(float),
                               sizes.sizes, sizes.rank, ONNX_FLOAT, &self->values[place]);
    return checked(self, failed, "create a buffer for the model", why);
}

static tagnode_status open_parts(onnx_engine *self, const char *library, const void *bytes,
                                 size_t size, tagnode_message *why) {
    tagnode_status status = tagnode_onnx_load(library, &self->api, why);
    if (status == TAGNODE_OK) status = open_session(self, bytes, size, why);
    if (status != TAGNODE_OK) return status;
    size_t inputs = 0, outputs = 0;
    onnx_status *failed = self->api->count_inputs(self->session, &inputs);
    if (failed == NULL) failed = self->api->count_outputs(self->session, &outputs);
    status = checked(self, failed, "count the model's inputs and outputs", why);
    if (status == TAGNODE_OK && (inputs != 1 || outputs < self->card.outputs))
        return tagnode_report(
            why, TAGNODE_ERROR_MODEL,
            "The model has %zu inputs and %zu outputs; its card has 1 and %u; use "
            "the model's own card.",
            inputs, outputs, (unsigned)self->card.outputs);
    for (size_t place = 0; place <= self->card.outputs && status == TAGNODE_OK; ++place)
        status = open_place(self, place, why);
    return status;
}

tagnode_status tagnode_engine_open_onnx(const char *library, const void *bytes, size_t size,
                                        const tagnode_card *card, tagnode_engine **engine,
                                        tagnode_message *why) {
    *engine = NULL;
    onnx_engine *self = calloc(1, sizeof *self);
    if (self == NULL) return tagnode_no_memory(why, "the model's engine");
    self->engine = (tagnode_engine){.run = run, .close = close_engine};
    self->card = *card;
    const tagnode_status status = open_parts(self, library, bytes, size, why);
    if (status != TAGNODE_OK) {
        close_engine(&self->engine);
        return status;
    }
    *engine = &self->engine;
    return TAGNODE_OK;
}
