/* litert.c - an engine on LiteRT's C API, which is looked up in libLiteRt.so at run time (2.1.6 to 2.3.0 are known).
 * What is declared here is that interface in our words: handles are opaque, a status of 0 is success. */
#include "support/message.h"
#include "worker/engine.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LITERT_OUT_OF_MEMORY = 2,
    LITERT_CPU = 1,
    LITERT_FLOAT32 = 1,
    LITERT_LOCK_READ = 0,
    LITERT_LOCK_WRITE = 1,
    LITERT_VALUE_INT = 2,
    LITERT_OPTION_ACCELERATORS = 24, /* which to look for at all; the others would mean more libraries */
    LITERT_OPTION_SEVERITY = 25,
    LITERT_SEVERITY_ERROR = 3,
    LITERT_MAX_RANK = 8,
    MAX_SIGNATURE_OUTPUTS = 64 /* more than that is a damaged file */
};

typedef struct litert_environment litert_environment;
typedef struct litert_model litert_model;
typedef struct litert_signature litert_signature;
typedef struct litert_tensor litert_tensor;
typedef struct litert_options litert_options;
typedef struct litert_opaque litert_opaque;
typedef struct litert_compiled litert_compiled;
typedef struct litert_requirements litert_requirements;
typedef struct litert_buffer litert_buffer;

typedef struct {
    int32_t tag;
    struct {
        int32_t kind;
        int64_t number;
    } value;
} litert_option;

typedef struct {
    int32_t element;
    uint32_t rank; /* in the lowest 7 bits */
    int32_t shape[LITERT_MAX_RANK];
    uint32_t strides[LITERT_MAX_RANK];
    uint32_t reserve[16]; /* not LiteRT's: should a later one write more, it lands here */
} litert_type;

_Static_assert(sizeof(litert_option) == 24, "LiteRtEnvOption is 24 bytes");
_Static_assert(offsetof(litert_type, reserve) == 72, "LiteRtRankedTensorType is 72 bytes");

typedef struct {
    int (*create_environment)(int, const litert_option *, litert_environment **);
    void (*destroy_environment)(litert_environment *);
    int (*create_model)(litert_environment *, const void *, size_t, litert_model **);
    void (*destroy_model)(litert_model *);
    int (*model_signatures)(litert_model *, size_t *);
    int (*model_signature)(litert_model *, size_t, litert_signature **);
    int (*signature_inputs)(litert_signature *, size_t *);
    int (*signature_outputs)(litert_signature *, size_t *);
    int (*signature_input)(litert_signature *, size_t, litert_tensor **);
    int (*signature_output)(litert_signature *, size_t, litert_tensor **);
    int (*tensor_type)(litert_tensor *, litert_type *);
    int (*create_options)(litert_options **);
    void (*destroy_options)(litert_options *);
    int (*set_accelerators)(litert_options *, int);
    int (*create_opaque)(const char *, void *, void (*)(void *), litert_opaque **);
    void (*destroy_opaque)(litert_opaque *);
    int (*add_opaque)(litert_options *, litert_opaque *);
    int (*compile)(litert_environment *, litert_model *, litert_options *, litert_compiled **);
    void (*destroy_compiled)(litert_compiled *);
    int (*input_requirements)(litert_compiled *, size_t, size_t, litert_requirements **);
    int (*output_requirements)(litert_compiled *, size_t, size_t, litert_requirements **);
    int (*create_buffer)(litert_environment *, const litert_type *, litert_requirements *,
                         litert_buffer **);
    void (*destroy_buffer)(litert_buffer *);
    int (*buffer_bytes)(litert_buffer *, size_t *);
    int (*lock)(litert_buffer *, void **, int);
    int (*unlock)(litert_buffer *);
    int (*run)(litert_compiled *, size_t, size_t, litert_buffer **, size_t, litert_buffer **);
    int (*create_model_from_file_descriptor)(void); /* never called; see `symbols` */
} litert_api;

#define MEMBER(name) offsetof(litert_api, name)
static const struct {
    const char *name;
    size_t member;
} symbols[] = {
    /* Came with the release (2.1.6) that gave LiteRtCreateModelFromBuffer its environment: before it, the same name
     * takes other arguments. First, so that it is the one named for a library that is too old. */
    {"LiteRtCreateModelFromFd", MEMBER(create_model_from_file_descriptor)},
    {"LiteRtCreateEnvironment", MEMBER(create_environment)},
    {"LiteRtDestroyEnvironment", MEMBER(destroy_environment)},
    {"LiteRtCreateModelFromBuffer", MEMBER(create_model)},
    {"LiteRtDestroyModel", MEMBER(destroy_model)},
    {"LiteRtGetNumModelSignatures", MEMBER(model_signatures)},
    {"LiteRtGetModelSignature", MEMBER(model_signature)},
    {"LiteRtGetNumSignatureInputs", MEMBER(signature_inputs)},
    {"LiteRtGetNumSignatureOutputs", MEMBER(signature_outputs)},
    {"LiteRtGetSignatureInputTensorByIndex", MEMBER(signature_input)},
    {"LiteRtGetSignatureOutputTensorByIndex", MEMBER(signature_output)},
    {"LiteRtGetRankedTensorType", MEMBER(tensor_type)},
    {"LiteRtCreateOptions", MEMBER(create_options)},
    {"LiteRtDestroyOptions", MEMBER(destroy_options)},
    {"LiteRtSetOptionsHardwareAccelerators", MEMBER(set_accelerators)},
    {"LiteRtCreateOpaqueOptions", MEMBER(create_opaque)},
    {"LiteRtDestroyOpaqueOptions", MEMBER(destroy_opaque)},
    {"LiteRtAddOpaqueOptions", MEMBER(add_opaque)},
    {"LiteRtCreateCompiledModel", MEMBER(compile)},
    {"LiteRtDestroyCompiledModel", MEMBER(destroy_compiled)},
    {"LiteRtGetCompiledModelInputBufferRequirements", MEMBER(input_requirements)},
    {"LiteRtGetCompiledModelOutputBufferRequirements", MEMBER(output_requirements)},
    {"LiteRtCreateManagedTensorBufferFromRequirements", MEMBER(create_buffer)},
    {"LiteRtDestroyTensorBuffer", MEMBER(destroy_buffer)},
    {"LiteRtGetTensorBufferPackedSize", MEMBER(buffer_bytes)},
    {"LiteRtLockTensorBuffer", MEMBER(lock)},
    {"LiteRtUnlockTensorBuffer", MEMBER(unlock)},
    {"LiteRtRunCompiledModel", MEMBER(run)},
};
#undef MEMBER

typedef struct {
    tagnode_engine engine; /* first, so that the two share an address */
    litert_api api;
    void *library;
    litert_environment *environment;
    litert_model *model;
    litert_options *options;
    litert_compiled *compiled;
    litert_buffer *input;
    litert_buffer *outputs[MAX_SIGNATURE_OUTPUTS];
    size_t signature_outputs; /* the model's, of which the card may name fewer */
    size_t input_bytes;
    uint32_t card_outputs;
    size_t output_bytes[TAGNODE_MAX_OUTPUTS];
} litert_engine;

/* ------------------------------------------------------------------------------------------------- running --- */

static bool write_input(const litert_engine *self, const float *patch) {
    void *memory = NULL;
    if (self->api.lock(self->input, &memory, LITERT_LOCK_WRITE) != 0) {
        return false;
    }
    memcpy(memory, patch, self->input_bytes);
    return self->api.unlock(self->input) == 0;
}

static bool read_output(const litert_engine *self, uint32_t index, float *values) {
    void *memory = NULL;
    if (self->api.lock(self->outputs[index], &memory, LITERT_LOCK_READ) != 0) {
        return false;
    }
    memcpy(values, memory, self->output_bytes[index]);
    return self->api.unlock(self->outputs[index]) == 0;
}

static tagnode_status run(tagnode_engine *engine, const float *patch, float *const *outputs) {
    litert_engine *self = (litert_engine *)engine;
    if (!write_input(self, patch)) {
        return TAGNODE_ERROR_RUNTIME;
    }
    if (self->api.run(self->compiled, 0, 1, &self->input, self->signature_outputs, self->outputs) != 0) {
        return TAGNODE_ERROR_RUNTIME;
    }
    for (uint32_t i = 0; i < self->card_outputs; i++) {
        if (outputs[i] != NULL && !read_output(self, i, outputs[i])) {
            return TAGNODE_ERROR_RUNTIME;
        }
    }
    return TAGNODE_OK;
}

/* The reverse of opening, from wherever that got to. */
static void close_engine(tagnode_engine *engine) {
    litert_engine *self = (litert_engine *)engine;
    for (size_t i = 0; i < self->signature_outputs; i++) {
        if (self->outputs[i] != NULL) {
            self->api.destroy_buffer(self->outputs[i]);
        }
    }
    if (self->input != NULL) {
        self->api.destroy_buffer(self->input);
    }
    if (self->compiled != NULL) {
        self->api.destroy_compiled(self->compiled);
    }
    if (self->options != NULL) {
        self->api.destroy_options(self->options);
    }
    if (self->model != NULL) {
        self->api.destroy_model(self->model);
    }
    if (self->environment != NULL) {
        self->api.destroy_environment(self->environment);
    }
    if (self->library != NULL) {
        dlclose(self->library);
    }
    free(self);
}

/* ------------------------------------------------------------------------------------------- the model file --- */

/* LiteRT verifies that a file's offsets stay inside it, yet ends the process (2.3.0: a C++ exception out of a C function)
 * where an input or output of the graph has no name in the signature. So that much of the file is read here: tables of
 * FlatBuffers, little-endian, with fields numbered as in TFLite's schema.fbs. Position 0 stands for what is absent. */
enum {
    FIELD_MODEL_SUBGRAPHS = 2,
    FIELD_MODEL_SIGNATURES = 7,
    FIELD_SUBGRAPH_INPUTS = 1,
    FIELD_SUBGRAPH_OUTPUTS = 2,
    FIELD_SIGNATURE_INPUTS = 0,
    FIELD_SIGNATURE_OUTPUTS = 1,
    FIELD_SIGNATURE_SUBGRAPH = 4,
    FIELD_MAP_NAME = 0,
    FIELD_MAP_TENSOR = 1
};

typedef struct {
    const unsigned char *bytes;
    size_t size;
} model_file;

static uint32_t read_bytes(const model_file *file, size_t at, size_t count) {
    uint32_t value = 0;
    if (at > file->size || file->size - at < count) {
        return 0;
    }
    for (size_t i = count; i > 0; i--) {
        value = value << 8 | file->bytes[at + i - 1];
    }
    return value;
}

static uint32_t read_u32(const model_file *file, size_t at) {
    return at != 0 ? read_bytes(file, at, 4) : 0;
}

static size_t follow(const model_file *file, size_t at) {
    uint32_t offset = read_u32(file, at);
    return offset != 0 ? at + offset : 0;
}

static size_t field_of(const model_file *file, size_t table, size_t number) {
    int64_t back = (int32_t)read_u32(file, table);
    int64_t layout = (int64_t)table - back;
    size_t entry = 4 + 2 * number;
    if (table == 0 || layout <= 0 || entry + 2 > read_bytes(file, (size_t)layout, 2)) {
        return 0;
    }
    uint32_t offset = read_bytes(file, (size_t)layout + entry, 2);
    return offset != 0 ? table + offset : 0;
}

static size_t vector_of(const model_file *file, size_t table, size_t number) {
    return follow(file, field_of(file, table, number));
}

/* A string with a zero in it counts for LiteRT as another, shorter one: no name either. */
static bool is_name(const model_file *file, size_t string) {
    uint32_t length = read_u32(file, string);
    return string != 0 && length > 0 && length < file->size - string - 4 &&
           memchr(file->bytes + string + 4, 0, length) == NULL;
}

static bool has_name(const model_file *file, size_t maps, uint32_t tensor) {
    uint32_t count = read_u32(file, maps);
    for (uint32_t i = 0; i < count && i < MAX_SIGNATURE_OUTPUTS; i++) {
        size_t map = follow(file, maps + 4 + 4 * (size_t)i);
        if (read_u32(file, field_of(file, map, FIELD_MAP_TENSOR)) == tensor &&
            is_name(file, vector_of(file, map, FIELD_MAP_NAME))) {
            return true;
        }
    }
    return false;
}

static bool all_have_names(const model_file *file, size_t maps, size_t tensors) {
    uint32_t count = read_u32(file, tensors);
    if (count > MAX_SIGNATURE_OUTPUTS) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!has_name(file, maps, read_u32(file, tensors + 4 + 4 * (size_t)i))) {
            return false;
        }
    }
    return true;
}

/* Whether the first signature, the one that is run, names all that its graph takes and gives; none at all is well. */
static bool signature_is_whole(const void *bytes, size_t size) {
    const model_file file = {bytes, size};
    size_t model = read_bytes(&file, 0, 4);
    size_t signatures = vector_of(&file, model, FIELD_MODEL_SIGNATURES);
    if (read_u32(&file, signatures) == 0) {
        return true;
    }
    size_t signature = follow(&file, signatures + 4);
    uint32_t index = read_u32(&file, field_of(&file, signature, FIELD_SIGNATURE_SUBGRAPH));
    size_t subgraphs = vector_of(&file, model, FIELD_MODEL_SUBGRAPHS);
    if (index >= read_u32(&file, subgraphs)) {
        return false;
    }
    size_t subgraph = follow(&file, subgraphs + 4 + 4 * (size_t)index);
    return all_have_names(&file, vector_of(&file, signature, FIELD_SIGNATURE_INPUTS),
                          vector_of(&file, subgraph, FIELD_SUBGRAPH_INPUTS)) &&
           all_have_names(&file, vector_of(&file, signature, FIELD_SIGNATURE_OUTPUTS),
                          vector_of(&file, subgraph, FIELD_SUBGRAPH_OUTPUTS));
}

/* ------------------------------------------------------------------------------------------------- opening --- */

static tagnode_status refused(tagnode_message *why, const char *action, int status) {
    if (status == LITERT_OUT_OF_MEMORY) {
        return tagnode_say(why, TAGNODE_ERROR_MEMORY, "LiteRT found no memory to %s.", action);
    }
    return tagnode_say(why, TAGNODE_ERROR_RUNTIME, "LiteRT did not %s: its status is %d.", action, status);
}

static tagnode_status load_library(litert_engine *self, const char *path, tagnode_message *why) {
    const char *shown = path != NULL ? path : "libLiteRt.so";
    /* Never unmapped: up to 2.2 its exit handlers outlive it, and the process dies as it ends (seen with 2.1.5, 2.2). */
    self->library = dlopen(shown, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (self->library == NULL) {
        const char *reason = dlerror();
        return tagnode_say(why, TAGNODE_ERROR_RUNTIME,
                           "LiteRT's library %s cannot be loaded (%s); install ai-edge-litert 2.2 or later.", shown,
                           reason != NULL ? reason : "no reason given");
    }
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
        void *address = dlsym(self->library, symbols[i].name);
        if (address == NULL) {
            return tagnode_say(why, TAGNODE_ERROR_RUNTIME,
                               "%s is no LiteRT library or one that is too old: it has no %s; install ai-edge-litert "
                               "2.2 or later.",
                               shown, symbols[i].name);
        }
        memcpy((char *)&self->api + symbols[i].member, &address, sizeof address);
    }
    return TAGNODE_OK;
}

static tagnode_status load_model(litert_engine *self, const void *bytes, size_t size, tagnode_message *why) {
    if (size < 8 || memcmp((const char *)bytes + 4, "TFL3", 4) != 0) {
        return tagnode_say(why, TAGNODE_ERROR_MODEL,
                           "The model file of %zu bytes is no TFLite model or a damaged one: it lacks \"TFL3\" at byte 4; "
                           "fetch it again.",
                           size);
    }
    const litert_option options[] = {
        {LITERT_OPTION_ACCELERATORS, {LITERT_VALUE_INT, LITERT_CPU}},
        {LITERT_OPTION_SEVERITY, {LITERT_VALUE_INT, LITERT_SEVERITY_ERROR}},
    };
    int status = self->api.create_environment(2, options, &self->environment);
    if (status != 0) {
        return refused(why, "make an environment", status);
    }
    status = self->api.create_model(self->environment, bytes, size, &self->model);
    if (status == LITERT_OUT_OF_MEMORY) {
        return refused(why, "read the model file", status);
    }
    if (status != 0) {
        return tagnode_say(why, TAGNODE_ERROR_MODEL,
                           "The model file of %zu bytes is damaged: LiteRT reads it with status %d; fetch it again.",
                           size, status);
    }
    if (!signature_is_whole(bytes, size)) {
        return tagnode_say(why, TAGNODE_ERROR_MODEL,
                           "The model's first signature does not name every input and output of its graph; the file is "
                           "damaged, or its signature has to be written whole.");
    }
    return TAGNODE_OK;
}

/* ------------------------------------------------------------------------------------- model against card --- */

static uint32_t rank_of(const litert_type *type) {
    uint32_t rank = type->rank & 0x7F;
    return rank <= LITERT_MAX_RANK ? rank : LITERT_MAX_RANK;
}

/* "float32 [1, 187, 96]" */
static void describe(const litert_type *type, char *text, size_t capacity) {
    static const char *const names[] = {"untyped", "float32", "int32",  "uint8",     "int64", "string",
                                        "bool",    "int16",   "complex", "int8", "float16"};
    size_t known = sizeof names / sizeof names[0];
    bool named = type->element >= 0 && (size_t)type->element < known;
    size_t used = (size_t)snprintf(text, capacity, "%s [", named ? names[type->element] : "unknown type");
    for (uint32_t i = 0; i < rank_of(type) && used < capacity; i++) {
        used += (size_t)snprintf(text + used, capacity - used, "%s%d", i > 0 ? ", " : "", (int)type->shape[i]);
    }
    if (used < capacity) {
        snprintf(text + used, capacity - used, "]");
    }
}

/* Whether the type is float32 of the given dimensions, those of 1 put aside: they move no value in memory. */
static bool is_float_of(const litert_type *type, const uint32_t *dimensions, size_t count) {
    uint32_t at = 0;
    uint32_t rank = rank_of(type);
    for (size_t i = 0; i < count; i++) {
        while (at < rank && type->shape[at] == 1) {
            at++;
        }
        if (dimensions[i] == 1) {
            continue;
        }
        if (at == rank || type->shape[at] < 0 || (uint32_t)type->shape[at] != dimensions[i]) {
            return false;
        }
        at++;
    }
    while (at < rank && type->shape[at] == 1) {
        at++;
    }
    return type->element == LITERT_FLOAT32 && at == rank;
}

/* Whether the type is float32 of so many values, in whatever shape. */
static bool is_float_count(const litert_type *type, uint64_t expected) {
    uint64_t count = 1;
    for (uint32_t i = 0; i < rank_of(type); i++) {
        if (type->shape[i] <= 0 || (uint64_t)type->shape[i] > expected) {
            return false; /* so that the product below stays in range: expected is below 2^32 */
        }
        count *= (uint64_t)type->shape[i];
        if (count > expected) {
            return false;
        }
    }
    return type->element == LITERT_FLOAT32 && count == expected;
}

static tagnode_status check_input(const litert_engine *self, litert_signature *signature, const tagnode_card *card,
                                  litert_type *type, tagnode_message *why) {
    size_t inputs = 0;
    int status = self->api.signature_inputs(signature, &inputs);
    if (status != 0) {
        return refused(why, "count the model's inputs", status);
    }
    if (inputs != 1) {
        return tagnode_say(why, TAGNODE_ERROR_MODEL, "The model has %zu inputs; it needs to have one, the spectrogram.",
                           inputs);
    }
    litert_tensor *tensor = NULL;
    status = self->api.signature_input(signature, 0, &tensor);
    if (status != 0 || (status = self->api.tensor_type(tensor, type)) != 0) {
        return refused(why, "describe the model's input", status);
    }
    const uint32_t expected[] = {card->patch_frames, card->frontend.bands};
    if (!is_float_of(type, expected, 2)) {
        char given[96];
        describe(type, given, sizeof given);
        return tagnode_say(why, TAGNODE_ERROR_MODEL,
                           "The model's input is %s, but its card says float32 [1, %u, %u]; use the model's own card.",
                           given, (unsigned)expected[0], (unsigned)expected[1]);
    }
    return TAGNODE_OK;
}

static tagnode_status check_output(const litert_engine *self, litert_signature *signature, size_t index,
                                   const tagnode_card *card, litert_type *type, tagnode_message *why) {
    litert_tensor *tensor = NULL;
    int status = self->api.signature_output(signature, index, &tensor);
    if (status != 0 || (status = self->api.tensor_type(tensor, type)) != 0) {
        return refused(why, "describe the model's outputs", status);
    }
    if (index < card->outputs && !is_float_count(type, card->output_size[index])) {
        char given[96];
        describe(type, given, sizeof given);
        return tagnode_say(why, TAGNODE_ERROR_MODEL,
                           "The model's output %zu is %s, but its card says %u values of float32; use the model's own "
                           "card.",
                           index, given, (unsigned)card->output_size[index]);
    }
    return TAGNODE_OK;
}

/* The types of the one input and of all outputs, once they are known to be the card's. */
static tagnode_status check_model(litert_engine *self, const tagnode_card *card, litert_type *input,
                                  litert_type *outputs, tagnode_message *why) {
    size_t signatures = 0;
    litert_signature *signature = NULL;
    int status = self->api.model_signatures(self->model, &signatures);
    if (status == 0 && signatures == 0) {
        return tagnode_say(why, TAGNODE_ERROR_MODEL, "The model file has no signature and no graph; it is damaged.");
    }
    if (status != 0 || (status = self->api.model_signature(self->model, 0, &signature)) != 0) {
        return refused(why, "find the model's signature", status);
    }
    tagnode_status checked = check_input(self, signature, card, input, why);
    if (checked != TAGNODE_OK) {
        return checked;
    }
    size_t count = 0;
    status = self->api.signature_outputs(signature, &count);
    if (status != 0) {
        return refused(why, "count the model's outputs", status);
    }
    if (count < card->outputs || count > MAX_SIGNATURE_OUTPUTS) {
        return tagnode_say(why, TAGNODE_ERROR_MODEL,
                           "The model has %zu outputs, but its card names %u; use the model's own card.", count,
                           (unsigned)card->outputs);
    }
    for (size_t i = 0; i < count && checked == TAGNODE_OK; i++) {
        checked = check_output(self, signature, i, card, &outputs[i], why);
    }
    self->signature_outputs = count;
    return checked;
}

/* ----------------------------------------------------------------------------------------------- compiling --- */

/* The number of threads goes to the CPU's part of LiteRT as a line of TOML under the name "xnnpack"; its setters
 * are not exported. A LiteRT that knows neither keeps its own default, which is one thread as well. */
static tagnode_status set_one_thread(const litert_engine *self, tagnode_message *why) {
    static const char text[] = "num_threads = 1\n";
    char *payload = malloc(sizeof text);
    if (payload == NULL) {
        return refused(why, "set its options", LITERT_OUT_OF_MEMORY);
    }
    memcpy(payload, text, sizeof text);
    litert_opaque *opaque = NULL;
    int status = self->api.create_opaque("xnnpack", payload, free, &opaque);
    if (status != 0) {
        free(payload);
        return refused(why, "set its options", status);
    }
    status = self->api.add_opaque(self->options, opaque); /* which takes it over */
    if (status != 0) {
        self->api.destroy_opaque(opaque);
        return refused(why, "set its options", status);
    }
    return TAGNODE_OK;
}

static tagnode_status compile_model(litert_engine *self, tagnode_message *why) {
    int status = self->api.create_options(&self->options);
    if (status != 0 || (status = self->api.set_accelerators(self->options, LITERT_CPU)) != 0) {
        return refused(why, "set its options", status);
    }
    tagnode_status set = set_one_thread(self, why);
    if (set != TAGNODE_OK) {
        return set;
    }
    status = self->api.compile(self->environment, self->model, self->options, &self->compiled);
    if (status != 0) {
        return refused(why, "compile the model for the CPU", status);
    }
    return TAGNODE_OK;
}

/* A buffer of `type`, checked to hold the `bytes` that run() copies. */
static tagnode_status make_buffer(const litert_engine *self, const litert_type *type, litert_requirements *requirements,
                                  size_t bytes, litert_buffer **buffer, tagnode_message *why) {
    int status = self->api.create_buffer(self->environment, type, requirements, buffer);
    if (status != 0) {
        return refused(why, "make a buffer for the model", status);
    }
    size_t held = 0;
    status = self->api.buffer_bytes(*buffer, &held);
    if (status != 0) {
        return refused(why, "measure a buffer of the model", status);
    }
    if (held < bytes) {
        return tagnode_say(why, TAGNODE_ERROR_RUNTIME, "LiteRT made a buffer of %zu bytes where %zu were due.", held,
                           bytes);
    }
    return TAGNODE_OK;
}

static tagnode_status make_buffers(litert_engine *self, const litert_type *input, const litert_type *outputs,
                                   tagnode_message *why) {
    litert_requirements *requirements = NULL;
    int status = self->api.input_requirements(self->compiled, 0, 0, &requirements);
    if (status != 0) {
        return refused(why, "say what buffer the model's input needs", status);
    }
    tagnode_status made = make_buffer(self, input, requirements, self->input_bytes, &self->input, why);
    for (size_t i = 0; i < self->signature_outputs && made == TAGNODE_OK; i++) {
        status = self->api.output_requirements(self->compiled, 0, i, &requirements);
        if (status != 0) {
            return refused(why, "say what buffer the model's output needs", status);
        }
        size_t bytes = i < self->card_outputs ? self->output_bytes[i] : 0;
        made = make_buffer(self, &outputs[i], requirements, bytes, &self->outputs[i], why);
    }
    return made;
}

static tagnode_status open_parts(litert_engine *self, const char *library, const void *bytes, size_t size,
                                 const tagnode_card *card, tagnode_message *why) {
    litert_type input = {0};
    litert_type outputs[MAX_SIGNATURE_OUTPUTS] = {{0}};
    tagnode_status status = load_library(self, library, why);
    if (status == TAGNODE_OK) {
        status = load_model(self, bytes, size, why);
    }
    if (status == TAGNODE_OK) {
        status = check_model(self, card, &input, outputs, why);
    }
    if (status == TAGNODE_OK) {
        status = compile_model(self, why);
    }
    if (status == TAGNODE_OK) {
        status = make_buffers(self, &input, outputs, why);
    }
    return status;
}

tagnode_status tagnode_engine_open_litert(const char *library, const void *bytes, size_t size, const tagnode_card *card,
                                          tagnode_engine **engine, tagnode_message *why) {
    *engine = NULL;
    litert_engine *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return tagnode_say(why, TAGNODE_ERROR_MEMORY, "There is no memory for the model's engine.");
    }
    self->engine = (tagnode_engine){.run = run, .close = close_engine};
    self->input_bytes = (size_t)card->patch_frames * card->frontend.bands * sizeof(float);
    self->card_outputs = card->outputs;
    for (uint32_t i = 0; i < card->outputs; i++) {
        self->output_bytes[i] = card->output_size[i] * sizeof(float);
    }
    tagnode_status status = open_parts(self, library, bytes, size, card, why);
    if (status != TAGNODE_OK) {
        close_engine(&self->engine);
        return status;
    }
    *engine = &self->engine;
    return TAGNODE_OK;
}
