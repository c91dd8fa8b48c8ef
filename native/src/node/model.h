/* model.h - the contents of a tagnode_model: immutable once loaded, reference counted. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "support/engine.h"
#include "tagger/graph.h"
#include "tagnode.h"

struct tagnode_model {
    _Atomic uint32_t references;
    tagnode_card card;
    bool sliced;        /* for the inline runtime: `graph` is set */
    tagger_graph graph; /* points into `bytes` */
    bool onnx;          /* for onnxruntime; else for LiteRT, unless `sliced` */
    char *library;      /* of that runtime, or NULL */
    void *bytes;        /* the model file; NULL for an interpreter created elsewhere */
    size_t size;
    tagnode_interpreter interpreter;
    pthread_mutex_t interpreter_lock; /* held while it runs */
};

void tagnode_model_retain(tagnode_model *model);

/* Compiles an instance of the model. Returns OK, ERROR_MEMORY, ERROR_MODEL or ERROR_RUNTIME. [main]
 */
tagnode_status tagnode_model_open(tagnode_model *model, tagnode_engine **engine,
                                  tagnode_message *why);
