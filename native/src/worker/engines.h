/* engines.h - the worker's runtimes: LiteRT's and onnxruntime's C APIs, and interpreters created
 * elsewhere. */
#pragma once

#include <pthread.h>

#include "support/engine.h"

/* Opens a model file with LiteRT's C API (dlopen): one thread, CPU. `bytes` must outlive the
 * engine. Returns OK, ERROR_MEMORY, ERROR_RUNTIME (library missing, too old, or it failed) or
 * ERROR_MODEL (damaged file, or its inputs and outputs are not the card's). */
tagnode_status tagnode_engine_open_litert(const char *library, const void *bytes, size_t size,
                                          const tagnode_card *card, tagnode_engine **engine,
                                          tagnode_message *why);

/* The same for an .onnx file with onnxruntime's C API. */
tagnode_status tagnode_engine_open_onnx(const char *library, const void *bytes, size_t size,
                                        const tagnode_card *card, tagnode_engine **engine,
                                        tagnode_message *why);

/* Wraps an interpreter created elsewhere. It runs under `lock`, which must outlive the engine.
 * Returns OK or ERROR_MEMORY. */
tagnode_status tagnode_engine_open_interpreter(const tagnode_interpreter *interpreter,
                                               const tagnode_card *card, pthread_mutex_t *lock,
                                               tagnode_engine **engine, tagnode_message *why);
