/* litert_api.h - LiteRT's C API (2.3.0), looked up in libLiteRt.so at run time. These are our
 * declarations of it: handles are opaque, a status of 0 is success. */
#pragma once

#include "tagnode.h"

enum {
    LITERT_OUT_OF_MEMORY = 2,
    LITERT_CPU = 1,
    LITERT_FLOAT32 = 1,
    LITERT_LOCK_READ = 0,
    LITERT_LOCK_WRITE = 1,
    LITERT_VALUE_INT = 2,
    LITERT_OPTION_ACCELERATORS = 24, /* accelerators to load: others need more libraries */
    LITERT_OPTION_SEVERITY = 25,
    LITERT_SEVERITY_ERROR = 3,
    LITERT_MAX_RANK = 8
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
    uint32_t reserve[16]; /* not LiteRT's: room in case a later version writes more */
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
    int (*mark_of_version)(void); /* never called; see `symbols` */
} litert_api;

/* Loads the library until the process ends. `path` may be NULL: the dynamic linker searches.
 * Returns OK or ERROR_RUNTIME (missing, not LiteRT, or too old). */
tagnode_status tagnode_litert_load(const char *path, litert_api *api, tagnode_message *why);
