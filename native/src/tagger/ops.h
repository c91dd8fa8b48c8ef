/* ops.h - one operation of a model, prepared to run one row at a time, and a row in parts.
 *
 * A tensor of rank 3 or more is a stack of rows along its axis 1 (time, in our models); others are
 * a single row; axis 0 is 1. Rows are dense. A step computes one part of one row of its output from
 * rows of its inputs and keeps no state between calls, so the plan may run rows in any order, for
 * one window or for several that overlap. Constants are not inputs here: they are read when a step
 * is prepared.
 *
 * Rounding follows LiteRT on a CPU: XNNPACK for the operations that it implements (requantisation
 * in float, to nearest even), the reference kernels for the others. */
#pragma once

#include "kernels/kernels.h"
#include "tagger/graph.h"

/* Readable bytes after a row in memory; their contents do not matter. */
enum { TAGGER_ROW_SLACK = 64 };

/* The rows of one variable input that output row r reads: all of them in order, or `count` of them
 * from first + r * stride on, `dilation` apart. Rows outside the input are padding: NULL. */
typedef struct {
    uint32_t tensor;
    bool all;
    int32_t first;
    uint32_t count, stride, dilation;
} tagger_reads;

/* A part of a row, or of `count` rows that are computed together. */
typedef struct {
    const void *const *rows; /* pointers to the rows read, input after input, row after row */
    void *output;
    uint32_t row;    /* index in the output */
    uint32_t number; /* of the part: 0 .. parts - 1, in order, each with the same `rows` */
    uint32_t count;  /* rows, `apart` bytes from each other; 1 unless the step can do more */
    size_t apart;
} tagger_part;

typedef struct tagger_step tagger_step;

typedef struct {
    uint32_t parts, part_cost;
} tagger_division;

struct tagger_step {
    const tagger_op *op;
    uint32_t output;          /* tensor index */
    uint32_t rows, row_bytes; /* of the output */
    uint32_t parts;           /* of a row */
    uint32_t part_cost; /* multiply-adds of the most expensive part; other work is converted by its
                           time */
    uint32_t reads;     /* variable inputs */
    uint32_t pointers;  /* to the rows that a row reads; filled in by the plan */
    /* If several rows are cheaper together: up to `together`, which `divide` into parts; or 0. */
    uint32_t together;
    tagger_division (*divide)(const tagger_step *step, uint32_t rows) TAGNODE_NONBLOCKING;
    bool by_position; /* constants differ from row to row: windows that overlap share no rows */
    tagger_reads read[TAGGER_MAX_INPUTS];
    void (*run)(const tagger_step *step, const tagger_part *part) TAGNODE_NONBLOCKING; /* [audio] */
    void *state; /* private to the operation: packed weights, tables, scratch; 64-byte aligned */
    floats_weights *epilogue; /* within the state, of a float convolution; otherwise NULL */
};

/* The cost of a part that preparing aims at, at most, in multiply-adds. */
enum { TAGGER_PART_COST = 150000 };

/* Returns the parts of `rows` rows: 1, or up to `together`. */
static inline tagger_division tagger_divide(const tagger_step *step, uint32_t rows)
    TAGNODE_NONBLOCKING {
    if (step->together > 0) return step->divide(step, rows);
    return (tagger_division){step->parts * rows, step->part_cost};
}

/* Prepares operation `index` of a graph. The graph and its bytes must outlive the step. Returns OK,
 * ERROR_UNSUPPORTED (`why` names the operation and the reason, and that the worker runtime runs any
 * model), ERROR_MODEL (shapes or quantisation contradict each other) or ERROR_MEMORY. [main] */
tagnode_status tagger_step_prepare(const tagger_graph *graph, uint32_t index,
                                   const kernels_table *kernels, tagger_step *step,
                                   tagnode_message *why);
/* Makes a prepared step return the result of operation `index`, which reads the step's, at less
 * cost: an int8 CONV_2D the maximum of each of its rows instead of the row, MAX_POOL_2D; a float
 * convolution RELU, RELU6, and MUL and ADD of a constant for each channel. Returns false, and
 * changes nothing, if the two are not such a pair. The caller makes sure that nothing else reads
 * the rows. [main] */
bool tagger_step_absorb(const tagger_graph *graph, uint32_t index, tagger_step *step);

void tagger_step_free(tagger_step *step);

/* Return the number of rows of a tensor, and the bytes of one. */
uint32_t tagger_rows(const tagger_tensor *tensor);
size_t tagger_row_bytes(const tagger_tensor *tensor);
