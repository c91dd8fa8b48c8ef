/* litert.c - an engine on LiteRT's C API.
 *
 * Outputs are in LiteRT's order, which is that of the graph's outputs in the file (and of
 * Interpreter.get_output_details()), not that of the names in the signature. */
#include "support/message.h"
#include "support/patch.h"
#include "worker/engines.h"
#include "worker/litert_api.h"
#include "worker/model_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    tagnode_engine engine; /* first, so that the two share an address */
    litert_api api;
    litert_environment *environment;
    litert_model *model;
    litert_options *options;
    litert_compiled *compiled;
    litert_buffer *input;
    litert_buffer *outputs[TAGNODE_MODEL_FILE_OUTPUTS];
    size_t signature_outputs; /* of the model; the card may list fewer */
    size_t input_bytes;
    tagnode_card card;
} litert_engine;

/* --------------------------------------------------------------------------------- running --- */

static bool write_input(const litert_engine *self, const float *patch) {
    void *memory = NULL;
    if (self->api.lock(self->input, &memory, LITERT_LOCK_WRITE) != 0) return false;
    tagnode_patch_normalise(&self->card, patch, memory);
    return self->api.unlock(self->input) == 0;
}

static bool read_output(const litert_engine *self, uint32_t index, float *values) {
    void *memory = NULL;
    if (self->api.lock(self->outputs[index], &memory, LITERT_LOCK_READ) != 0) return false;
    memcpy(values, memory, self->card.output_size[index] * sizeof(float));
    return self->api.unlock(self->outputs[index]) == 0;
}

static tagnode_status run(tagnode_engine *engine, const float *patch, float *const *outputs) {
    litert_engine *self = (litert_engine *)engine;
    if (!write_input(self, patch)) return TAGNODE_ERROR_RUNTIME;
    int status =
        self->api.run(self->compiled, 0, 1, &self->input, self->signature_outputs, self->outputs);
    if (status != 0) return TAGNODE_ERROR_RUNTIME;
    for (uint32_t i = 0; i < self->card.outputs; ++i)
        if (outputs[i] != NULL && !read_output(self, i, outputs[i])) return TAGNODE_ERROR_RUNTIME;
    return TAGNODE_OK;
}

/* Closes whatever was opened, in reverse. */
static void close_engine(tagnode_engine *engine) {
    litert_engine *self = (litert_engine *)engine;
    for (size_t i = 0; i < self->signature_outputs; ++i)
        if (self->outputs[i] != NULL) self->api.destroy_buffer(self->outputs[i]);
    if (self->input != NULL) self->api.destroy_buffer(self->input);
    if (self->compiled != NULL) self->api.destroy_compiled(self->compiled);
    if (self->options != NULL) self->api.destroy_options(self->options);
    if (self->model != NULL) self->api.destroy_model(self->model);
    if (self->environment != NULL) self->api.destroy_environment(self->environment);
    free(self);
}

/* --------------------------------------------------------------------------------- opening --- */

static tagnode_status refused(tagnode_message *why, const char *action, int status) {
    if (status == LITERT_OUT_OF_MEMORY)
        return tagnode_report(why, TAGNODE_ERROR_MEMORY,
                              "LiteRT is out of memory: it could not %s.", action);
    return tagnode_report(why, TAGNODE_ERROR_RUNTIME, "LiteRT could not %s: its status is %d.",
                          action, status);
}

static tagnode_status load_model(litert_engine *self, const void *bytes, size_t size,
                                 tagnode_message *why) {
    const tagnode_status checked = tagnode_model_file_check(bytes, size, why);
    if (checked != TAGNODE_OK) return checked;
    const litert_option options[] = {
        {LITERT_OPTION_ACCELERATORS, {LITERT_VALUE_INT, LITERT_CPU}},
        {LITERT_OPTION_SEVERITY, {LITERT_VALUE_INT, LITERT_SEVERITY_ERROR}},
    };
    int status = self->api.create_environment(2, options, &self->environment);
    if (status != 0) return refused(why, "create an environment", status);
    status = self->api.create_model(self->environment, bytes, size, &self->model);
    if (status == LITERT_OUT_OF_MEMORY) return refused(why, "read the model file", status);
    if (status != 0)
        return tagnode_report(why, TAGNODE_ERROR_MODEL,
                              "The model file of %zu bytes is damaged: LiteRT reports status "
                              "%d; download it again.",
                              size, status);
    return TAGNODE_OK;
}

/* ---------------------------------------------------------------------- model against card --- */

static uint32_t rank_of(const litert_type *type) {
    uint32_t rank = type->rank & 0x7F;
    return rank <= LITERT_MAX_RANK ? rank : LITERT_MAX_RANK;
}

/* "float32 [1, 187, 96]" */
static void describe(const litert_type *type, char *text, size_t capacity) {
    static const char *const names[] = {"untyped", "float32", "int32",  "uint8",
                                        "int64",   "string",  "bool",   "int16",
                                        "complex", "int8",    "float16"};
    size_t known = sizeof names / sizeof names[0];
    bool named = type->element >= 0 && (size_t)type->element < known;
    size_t used =
        (size_t)snprintf(text, capacity, "%s [", named ? names[type->element] : "unknown type");
    for (uint32_t i = 0; i < rank_of(type) && used < capacity; ++i)
        used += (size_t)snprintf(text + used, capacity - used, "%s%d", i > 0 ? ", " : "",
                                 (int)type->shape[i]);
    if (used < capacity) snprintf(text + used, capacity - used, "]");
}

/* Returns whether the type is float32 with the given dimensions; those of 1 are ignored, as they do
 * not change the layout. */
static bool is_float_of(const litert_type *type, const uint32_t *dimensions, size_t count) {
    uint32_t at = 0;
    uint32_t rank = rank_of(type);
    for (size_t i = 0; i < count; ++i) {
        while (at < rank && type->shape[at] == 1) at++;
        if (dimensions[i] == 1) continue;
        if (at == rank || type->shape[at] < 0 || (uint32_t)type->shape[at] != dimensions[i])
            return false;
        at++;
    }
    while (at < rank && type->shape[at] == 1) at++;
    return type->element == LITERT_FLOAT32 && at == rank;
}

/* Returns whether the type is float32 with this many values, in any shape. */
static bool is_float_count(const litert_type *type, uint64_t expected) {
    uint64_t count = 1;
    for (uint32_t i = 0; i < rank_of(type); ++i) {
        if (type->shape[i] <= 0 || (uint64_t)type->shape[i] > expected)
            return false; /* keeps the product below in range: expected is below 2^32 */
        count *= (uint64_t)type->shape[i];
        if (count > expected) return false;
    }
    return type->element == LITERT_FLOAT32 && count == expected;
}

static tagnode_status check_input(const litert_engine *self, litert_signature *signature,
                                  litert_type *type, tagnode_message *why) {
    const tagnode_card *card = &self->card;
    size_t inputs = 0;
    int status = self->api.signature_inputs(signature, &inputs);
    if (status != 0) return refused(why, "count the model's inputs", status);
    if (inputs != 1)
        return tagnode_report(why, TAGNODE_ERROR_MODEL,
                              "The model has %zu inputs; one is expected, the spectrogram.",
                              inputs);
    litert_tensor *tensor = NULL;
    status = self->api.signature_input(signature, 0, &tensor);
    if (status == 0) status = self->api.tensor_type(tensor, type);
    if (status != 0) return refused(why, "describe the model's input", status);
    const uint32_t expected[] = {card->patch_frames, card->frontend.bands};
    if (!is_float_of(type, expected, 2)) {
        char given[96];
        describe(type, given, sizeof given);
        return tagnode_report(why, TAGNODE_ERROR_MODEL,
                              "The model's input is %s, but its card has float32 [1, %u, %u]; use "
                              "the model's own card.",
                              given, (unsigned)expected[0], (unsigned)expected[1]);
    }
    return TAGNODE_OK;
}

static tagnode_status check_output(const litert_engine *self, litert_signature *signature,
                                   size_t index, litert_type *type, tagnode_message *why) {
    const tagnode_card *card = &self->card;
    litert_tensor *tensor = NULL;
    int status = self->api.signature_output(signature, index, &tensor);
    if (status == 0) status = self->api.tensor_type(tensor, type);
    if (status != 0) return refused(why, "describe the model's outputs", status);
    if (index < card->outputs && !is_float_count(type, card->output_size[index])) {
        char given[96];
        describe(type, given, sizeof given);
        return tagnode_report(
            why, TAGNODE_ERROR_MODEL,
            "The model's output %zu is %s, but its card has %u values of float32; "
            "use the model's own card.",
            index, given, (unsigned)card->output_size[index]);
    }
    return TAGNODE_OK;
}

/* Gets the types of the one input and of all outputs, and checks them against the card. */
static tagnode_status check_model(litert_engine *self, litert_type *input, litert_type *outputs,
                                  tagnode_message *why) {
    const tagnode_card *card = &self->card;
    size_t signatures = 0;
    litert_signature *signature = NULL;
    int status = self->api.model_signatures(self->model, &signatures);
    if (status == 0 && signatures == 0)
        return tagnode_report(why, TAGNODE_ERROR_MODEL,
                              "The model file has no signature and no graph; it is damaged.");
    if (status == 0) status = self->api.model_signature(self->model, 0, &signature);
    if (status != 0) return refused(why, "find the model's signature", status);
    tagnode_status checked = check_input(self, signature, input, why);
    if (checked != TAGNODE_OK) return checked;
    size_t count = 0;
    status = self->api.signature_outputs(signature, &count);
    if (status != 0) return refused(why, "count the model's outputs", status);
    if (count < card->outputs || count > TAGNODE_MODEL_FILE_OUTPUTS)
        return tagnode_report(
            why, TAGNODE_ERROR_MODEL,
            "The model has %zu outputs, but its card names %u; use the model's own card.", count,
            (unsigned)card->outputs);
    for (size_t i = 0; i < count && checked == TAGNODE_OK; ++i)
        checked = check_output(self, signature, i, &outputs[i], why);
    self->signature_outputs = count;
    return checked;
}

/* ------------------------------------------------------------------------------- compiling --- */

/* The number of threads is passed to LiteRT's CPU backend as a line of TOML under the name
 * "xnnpack"; its setters are not exported. A LiteRT that does not support this uses its default,
 * which is one thread as well. */
static tagnode_status set_one_thread(const litert_engine *self, tagnode_message *why) {
    static const char text[] = "num_threads = 1\n";
    char *payload = malloc(sizeof text);
    if (payload == NULL) return refused(why, "set its options", LITERT_OUT_OF_MEMORY);
    memcpy(payload, text, sizeof text);
    litert_opaque *opaque = NULL;
    int status = self->api.create_opaque("xnnpack", payload, free, &opaque);
    if (status != 0) {
        free(payload);
        return refused(why, "set its options", status);
    }
    status = self->api.add_opaque(self->options, opaque); /* takes ownership of it */
    if (status != 0) {
        self->api.destroy_opaque(opaque);
        return refused(why, "set its options", status);
    }
    return TAGNODE_OK;
}

static tagnode_status compile_model(litert_engine *self, tagnode_message *why) {
    int status = self->api.create_options(&self->options);
    if (status == 0) status = self->api.set_accelerators(self->options, LITERT_CPU);
    if (status != 0) return refused(why, "set its options", status);
    tagnode_status set = set_one_thread(self, why);
    if (set != TAGNODE_OK) return set;
    status = self->api.compile(self->environment, self->model, self->options, &self->compiled);
    if (status != 0) return refused(why, "compile the model for the CPU", status);
    return TAGNODE_OK;
}

/* Creates a buffer of `type` and checks that it holds the `bytes` that run() copies. */
static tagnode_status make_buffer(const litert_engine *self, const litert_type *type,
                                  litert_requirements *requirements, size_t bytes,
                                  litert_buffer **buffer, tagnode_message *why) {
    int status = self->api.create_buffer(self->environment, type, requirements, buffer);
    if (status != 0) return refused(why, "create a buffer for the model", status);
    size_t held = 0;
    status = self->api.buffer_bytes(*buffer, &held);
    if (status != 0) return refused(why, "measure a buffer of the model", status);
    if (held < bytes)
        return tagnode_report(why, TAGNODE_ERROR_RUNTIME,
                              "LiteRT created a buffer of %zu bytes; %zu are expected.", held,
                              bytes);
    return TAGNODE_OK;
}

static tagnode_status make_buffers(litert_engine *self, const litert_type *input,
                                   const litert_type *outputs, tagnode_message *why) {
    litert_requirements *requirements = NULL;
    int status = self->api.input_requirements(self->compiled, 0, 0, &requirements);
    if (status != 0) return refused(why, "report the buffer that the model's input needs", status);
    tagnode_status made =
        make_buffer(self, input, requirements, self->input_bytes, &self->input, why);
    for (size_t i = 0; i < self->signature_outputs && made == TAGNODE_OK; ++i) {
        status = self->api.output_requirements(self->compiled, 0, i, &requirements);
        if (status != 0)
            return refused(why, "report the buffer that the model's output needs", status);
        size_t bytes = i < self->card.outputs ? self->card.output_size[i] * sizeof(float) : 0;
        made = make_buffer(self, &outputs[i], requirements, bytes, &self->outputs[i], why);
    }
    return made;
}

static tagnode_status open_parts(litert_engine *self, const char *library, const void *bytes,
                                 size_t size, tagnode_message *why) {
    litert_type input = {0};
    litert_type outputs[TAGNODE_MODEL_FILE_OUTPUTS] = {{0}};
    tagnode_status status = tagnode_litert_load(library, &self->api, why);
    if (status == TAGNODE_OK) status = load_model(self, bytes, size, why);
    if (status == TAGNODE_OK) status = check_model(self, &input, outputs, why);
    if (status == TAGNODE_OK) status = compile_model(self, why);
    if (status == TAGNODE_OK) status = make_buffers(self, &input, outputs, why);
    return status;
}

tagnode_status tagnode_engine_open_litert(const char *library, const void *bytes, size_t size,
                                          const tagnode_card *card, tagnode_engine **engine,
                                          tagnode_message *why) {
    *engine = NULL;
    litert_engine *self = calloc(1, sizeof *self);
    if (self == NULL) return tagnode_no_memory(why, "the model's engine");
    self->engine = (tagnode_engine){.run = run, .close = close_engine};
    self->input_bytes = (size_t)card->patch_frames * card->frontend.bands * sizeof(float);
    self->card = *card;
    tagnode_status status = open_parts(self, library, bytes, size, why);
    if (status != TAGNODE_OK) {
        close_engine(&self->engine);
        return status;
    }
    *engine = &self->engine;
    return TAGNODE_OK;
}
