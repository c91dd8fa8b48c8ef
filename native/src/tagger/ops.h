/* ops.h - one operation of a model, prepared to be run a row at a time and a row in parts.
 *
 * A tensor is a stack of rows along its axis 1 (time, in our models) where it has rank 3 or more,
 * and a single row otherwise; axis 0 is 1. Rows are dense. A step computes one part of one row of
 * its output from rows of its inputs and keeps nothing between calls, so that whoever plans may run
 * rows in any order, for one window or for many that overlap. Constants are not inputs here:
 * preparing a step takes them in.
 *
 * Rounding follows what LiteRT runs on a CPU: XNNPACK where it takes the operation (requantisation
 * in float, to nearest even), the reference kernels elsewhere. */
#ifndef TAGNODE_TAGGER_OPS_H
#define TAGNODE_TAGGER_OPS_H

#include "kernels/kernels.h"
#include "tagger/graph.h"

/* Readable bytes that follow a row in memory; what they hold does not matter. */
enum { TAGGER_ROW_SLACK = 64 };

/* Which rows of one variable input an output row r reads: all of them in order, or `count` of them
 * from first + r * stride on, a `dilation` apart. Those outside of it are padding: NULL. */
typedef struct {
    uint32_t tensor;
    bool all;
    int32_t first;
    uint32_t count, stride, dilation;
} tagger_reads;

typedef struct tagger_step tagger_step;

struct tagger_step {
    const tagger_op *op;
    uint32_t output;          /* tensor index */
    uint32_t rows, row_bytes; /* of the output */
    uint32_t parts;           /* of a row: 0 .. parts - 1, in order, each with the same `rows` */
    uint32_t part_cost;       /* multiply-adds of the dearest; other work as its time is worth */
    uint32_t reads;           /* variable inputs */
    tagger_reads read[TAGGER_MAX_INPUTS];
    /* rows: pointers to the rows read, input after input; `row`: of the output. [audio] */
    void (*run)(const tagger_step *step, const void *const *rows, void *output, uint32_t row,
                uint32_t part) TAGNODE_NONBLOCKING;
    void *state; /* the operation's own: packed weights, tables, scratch; 64-byte aligned */
};

/* Largest cost of a part that preparing aims at, in multiply-adds. */
enum { TAGGER_PART_COST = 100000 };

/* Prepares operation `index` of a graph. The graph and its bytes must outlive the step.
 * Returns OK, ERROR_UNSUPPORTED (`why` names the operation and what about it; it says that the
 * worker runtime takes any model), ERROR_MODEL (shapes or quantisation that contradict each other),
 * ERROR_MEMORY. [main] */
tagnode_status tagger_step_prepare(const tagger_graph *graph, uint32_t index,
                                   const kernels_table *kernels, tagger_step *step,
                                   tagnode_message *why);
/* Lets a prepared CONV_2D give the maximum of each of its rows instead of the row, which is what
 * the MAX_POOL_2D `index` makes of it and costs less at once. False, and nothing changed, where the
 * two are not such a pair. The caller sees to it that nobody else wants the rows. [main] */
bool tagger_step_absorb(const tagger_graph *graph, uint32_t index, tagger_step *step);

void tagger_step_free(tagger_step *step);

/* The rows of a tensor, and the bytes of one. */
uint32_t tagger_rows(const tagger_tensor *tensor);
size_t tagger_row_bytes(const tagger_tensor *tensor);

#endif
