/* graph_reader.h - shared by the parts of the reader of model files: what has been read, messages,
 * memory. Field numbers, codes and defaults are those of TensorFlow Lite's schema.fbs, version 3.
 */
#pragma once

#include "support/message.h"
#include "tagger/flatbuffer.h"
#include "tagger/graph.h"

enum { SHOWN_NAME = 41 /* bytes of a name in a message, including the terminator */ };

typedef enum { OF_MODEL, OF_TENSOR, OF_OPERATION } part_kind;

typedef struct {
    flatbuffer file;
    flatbuffer_vector codes, buffers, tensors, ops;
    tagger_graph graph;
    unsigned char *block;           /* NULL on the first pass, which only counts */
    uint64_t taken, block_size;     /* bytes */
    bool known[TAGGER_MAX_TENSORS]; /* the constants, and the variables that have a value so far */
    tagnode_status status;          /* of the first fault */
    part_kind part;                 /* what is being read, for messages */
    uint32_t index;
    flatbuffer_vector name; /* of the tensor being read */
    const char *op_name;    /* of the operation being read, once known */
    tagnode_message *why;
} graph_reader;

/* Copies a name from the file, made safe for a terminal. */
void reader_show_name(const graph_reader *reader, flatbuffer_vector name, char shown[SHOWN_NAME]);

/* Returns whether there was a fault so far. What was read is valid only if there was none. */
bool reader_failed(graph_reader *reader);

/* Report a field that is out of range, and what the inline runtime does not support. */
void reader_wrong(graph_reader *reader, flatbuffer_field field);
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void reader_unsupported(graph_reader *reader, const char *format, ...);

/* Returns the next bytes of the graph's memory; NULL on the first pass. */
void *reader_take(graph_reader *reader, uint64_t bytes);

/* Returns memory for data copied out of the file. Tables may be shared, so a small file could ask
 * for very much; a valid one needs no more than twice its size: at worst 8 bytes for a scale of 4,
 * or 4 for a half-precision value of 2. */
void *reader_take_copy(graph_reader *reader, uint64_t bytes);

/* Reads tensor `index`. */
void reader_tensor(graph_reader *reader, uint32_t index, tagger_tensor *tensor);

/* Counts the operations, one for each output, and the memory for their inputs. */
void reader_measure_ops(graph_reader *reader);

/* Reads operation `index` of the file as one for each of its outputs, at most `room`, and returns
 * their number; 0 for one whose result is a constant. */
uint32_t reader_op(graph_reader *reader, uint32_t index, tagger_op *op, uint32_t room);
