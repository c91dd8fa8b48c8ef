/* onnx_api.h - onnxruntime's C API, version 1 of it, which every release has. These are our
 * declarations of what is used: handles are opaque, a status of NULL is success. */
#pragma once

#include "tagnode.h"

enum {
    ONNX_API_VERSION = 1,
    ONNX_LOG_FATAL = 4,
    ONNX_FLOAT = 1,
    ONNX_DEVICE_ALLOCATOR = 0,
    ONNX_MEMORY_DEFAULT = 0,
    ONNX_INVALID_ARGUMENT = 2,
    ONNX_NO_MODEL = 4,
    ONNX_INVALID_PROTOBUF = 7,
    ONNX_NOT_IMPLEMENTED = 9,
    ONNX_INVALID_GRAPH = 10,
    ONNX_MAX_RANK = 8
};

typedef struct onnx_status onnx_status;
typedef struct onnx_environment onnx_environment;
typedef struct onnx_options onnx_options;
typedef struct onnx_session onnx_session;
typedef struct onnx_type onnx_type;
typedef struct onnx_shape onnx_shape;
typedef struct onnx_memory onnx_memory;
typedef struct onnx_value onnx_value;
typedef struct onnx_allocator onnx_allocator;
typedef void (*onnx_function)(void); /* one that is not used */

typedef struct {
    onnx_function from_0[1];
    int (*error_code)(const onnx_status *);
    const char *(*error_message)(const onnx_status *);
    onnx_status *(*create_environment)(int severity, const char *name, onnx_environment **);
    onnx_function from_4[4];
    onnx_status *(*create_session)(const onnx_environment *, const void *, size_t,
                                   const onnx_options *, onnx_session **);
    onnx_status *(*run)(onnx_session *, const void *options, const char *const *input_names,
                        const onnx_value *const *inputs, size_t, const char *const *output_names,
                        size_t, onnx_value **outputs);
    onnx_status *(*create_options)(onnx_options **);
    onnx_function from_11[11];
    onnx_status *(*set_severity)(onnx_options *, int);
    onnx_function from_23[1];
    onnx_status *(*set_inner_threads)(onnx_options *, int);
    onnx_status *(*set_outer_threads)(onnx_options *, int);
    onnx_function from_26[4];
    onnx_status *(*count_inputs)(const onnx_session *, size_t *);
    onnx_status *(*count_outputs)(const onnx_session *, size_t *);
    onnx_function from_32[1];
    onnx_status *(*input_type)(const onnx_session *, size_t, onnx_type **);
    onnx_status *(*output_type)(const onnx_session *, size_t, onnx_type **);
    onnx_function from_35[1];
    onnx_status *(*input_name)(const onnx_session *, size_t, onnx_allocator *, char **);
    onnx_status *(*output_name)(const onnx_session *, size_t, onnx_allocator *, char **);
    onnx_function from_38[11];
    onnx_status *(*create_value)(const onnx_memory *, void *, size_t bytes, const int64_t *shape,
                                 size_t rank, int element, onnx_value **);
    onnx_function from_50[5];
    onnx_status *(*as_shape)(const onnx_type *, const onnx_shape **); /* NULL: no tensor */
    onnx_function from_56[4];
    onnx_status *(*element)(const onnx_shape *, int *);
    onnx_status *(*rank)(const onnx_shape *, size_t *);
    onnx_status *(*sizes)(const onnx_shape *, int64_t *, size_t);
    onnx_function from_63[6];
    onnx_status *(*create_memory)(int allocator, int kind, onnx_memory **);
    onnx_function from_70[6];
    onnx_status *(*free)(onnx_allocator *, void *);
    onnx_function from_77[1];
    onnx_status *(*default_allocator)(onnx_allocator **);
    onnx_function from_79[13];
    void (*release_environment)(onnx_environment *);
    void (*release_status)(onnx_status *);
    void (*release_memory)(onnx_memory *);
    void (*release_session)(onnx_session *);
    void (*release_value)(onnx_value *);
    onnx_function from_97[1];
    void (*release_type)(onnx_type *);
    onnx_function from_99[1];
    void (*release_options)(onnx_options *);
} onnx_api;

_Static_assert(offsetof(onnx_api, release_options) == 100 * sizeof(onnx_function),
               "OrtApi has ReleaseSessionOptions at 100");

/* Loads the library until the process ends. `path` may be NULL: the dynamic linker searches.
 * Returns OK or ERROR_RUNTIME (missing, or not onnxruntime). */
tagnode_status tagnode_onnx_load(const char *path, const onnx_api **api, tagnode_message *why);
