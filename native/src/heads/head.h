/* head.h - a head: a small classifier on a model's embedding, as a sequence of stages. */
#pragma once

#include <stdatomic.h>

#include "tagnode.h"

enum {
    HEAD_MAX_STAGES = 16,
    HEAD_PANEL = 16, /* outputs of a dense stage that are computed at once */
    HEAD_LANES = 8   /* support vectors of a kernel stage that are */
};

typedef enum {
    HEAD_AFFINE = 1, /* x * scale + offset */
    HEAD_QUANTILE,   /* x to its rank among quantiles, to a normal distribution */
    HEAD_DENSE,      /* weights times x, bias, activation */
    HEAD_KERNEL,     /* decision values of support vectors, one class against the rest */
    HEAD_SIGMOIDS    /* 1 / (1 + exp(a * x + b)); Platt, 1999 */
} head_kind;

typedef enum {
    HEAD_ACTIVATE_NONE,
    HEAD_ACTIVATE_RELU,
    HEAD_ACTIVATE_TANH,
    HEAD_ACTIVATE_LOGISTIC,
    HEAD_ACTIVATE_SOFTMAX,
    HEAD_ACTIVATIONS
} head_activation;

typedef enum { HEAD_RBF, HEAD_POLY, HEAD_KERNELS } head_kernel;

/* A stage as it runs: its arrays are in the order in which they are read. */
typedef struct {
    head_kind kind;
    uint32_t inputs, outputs;
    uint32_t rows;  /* quantiles, or vectors */
    uint32_t flags; /* the activation, the kernel, 1 to normalise, or how many values stay */
    uint32_t degree;
    double gamma, coef0;
    float *first, *second;
    double *coefficients, *intercepts; /* of a kernel; double, as its sums may cancel */
} head_stage;

struct tagnode_head {
    _Atomic uint32_t references;
    uint32_t inputs, outputs;
    uint32_t widest; /* largest number of floats between two stages */
    uint32_t stages;
    bool silence_before; /* trained on windows that begin with silence, too */
    head_stage stage[HEAD_MAX_STAGES];
};

void tagnode_head_retain(tagnode_head *head);

/* Returns the number of doubles of working memory that tagnode_head_apply needs. [any] */
size_t tagnode_head_room(const tagnode_head *head);

/* Runs the head on `inputs` floats and writes `outputs` floats to `values`; non-finite results
 * become 0. Arithmetic only. [audio] */
void tagnode_head_apply(const tagnode_head *head, const float *embedding, float *values,
                        double *room) TAGNODE_NONBLOCKING;
