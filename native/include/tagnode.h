/* tagnode.h - hear audio in a callback, name it, move things by it.
 *
 * A node takes blocks of audio of any size, at any rate from 8 to 192 kHz, computes a mel
 * spectrogram, runs a tagger on it and hands out descriptor frames at a fixed, known latency.
 *
 *     tagnode_model_load_litert -> tagnode_create -> tagnode_prepare
 *         -> { tagnode_process -> tagnode_read } ...
 *
 * Positions are int64 counts of input samples since prepare or reset. Each function names the
 * threads it belongs to: [main] may allocate and wait; [audio] never does either; [reader] is any
 * one thread that reads; [any] is all of them. Objects are not shared between threads otherwise,
 * save that a `tagnode_model` is immutable once loaded and that [audio] and [reader] may run at
 * once.
 *
 * Functions that can fail return a `tagnode_status` and, where they take `why`, leave there one
 * sentence for a person: what was given, what was expected, what to do. `why` may be NULL. */
#ifndef TAGNODE_H
#define TAGNODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TAGNODE_VERSION "0.1.0"

/* Marks what runs on the audio thread, so that clang (>= 20) checks it: -Wfunction-effects when
 * compiling, -fsanitize=realtime when running. */
#if defined(__clang__) && defined(__has_attribute)
#if __has_attribute(nonblocking)
#define TAGNODE_NONBLOCKING __attribute__((nonblocking))
#endif
#endif
#ifndef TAGNODE_NONBLOCKING
#define TAGNODE_NONBLOCKING
#endif

#if defined(__GNUC__) && !defined(TAGNODE_API)
#define TAGNODE_API __attribute__((visibility("default")))
#elif !defined(TAGNODE_API)
#define TAGNODE_API
#endif

enum {
    TAGNODE_MIN_RATE = 8000,   /* Hz */
    TAGNODE_MAX_RATE = 192000, /* Hz */
    TAGNODE_MAX_CHANNELS = 8,
    TAGNODE_MAX_BLOCK = 1048576, /* samples a channel */
    TAGNODE_MAX_BANDS = 256,
    TAGNODE_MAX_OUTPUTS = 8, /* outputs of a model */
    TAGNODE_MAX_MODELS = 8,  /* inline models in one node */
    TAGNODE_MAX_HEADS = 32   /* heads in one node */
};

typedef enum {
    TAGNODE_OK = 0,
    TAGNODE_ERROR_ARGUMENT,    /* a value out of its documented range; nothing changed */
    TAGNODE_ERROR_MEMORY,      /* nothing changed */
    TAGNODE_ERROR_MODEL,       /* the model or head file is damaged, or its card contradicts it */
    TAGNODE_ERROR_UNSUPPORTED, /* a sound model that this runtime cannot run */
    TAGNODE_ERROR_RUNTIME      /* an outside runtime is missing, or refused */
} tagnode_status;

typedef struct {
    char text[256];
} tagnode_message;

/* -------------------------------------------------------------------------------- front-end --- */

typedef enum { TAGNODE_WINDOW_HANN_PERIODIC, TAGNODE_WINDOW_HANN_SYMMETRIC } tagnode_window;
typedef enum { TAGNODE_MEL_SLANEY, TAGNODE_MEL_HTK } tagnode_mel_scale;
/* Slaney: unit area, 2 / (f_hi - f_lo). */
typedef enum { TAGNODE_NORM_NONE, TAGNODE_NORM_SLANEY } tagnode_mel_norm;
typedef enum { TAGNODE_SPECTRUM_POWER, TAGNODE_SPECTRUM_MAGNITUDE } tagnode_spectrum;
typedef enum {
    TAGNODE_LOG_NONE,     /* x */
    TAGNODE_LOG_LOG10_1P, /* log10(1 + log_parameter * x); MusiCNN, log_parameter 10000 */
    TAGNODE_LOG_OFFSET,   /* ln(x + log_parameter); VGGish, log_parameter 0.01 */
    TAGNODE_LOG_DB        /* 10 log10(max(x, log_parameter)) of a power, 20 of a magnitude */
} tagnode_log;

/* Names of these settings as model cards spell them, "hann-periodic", "log10-1p" ...; NULL for any
 * other value, so that counting up from 0 to the first NULL lists all. [any] */
TAGNODE_API const char *tagnode_window_name(uint32_t window) TAGNODE_NONBLOCKING;
TAGNODE_API const char *tagnode_mel_scale_name(uint32_t scale) TAGNODE_NONBLOCKING;
TAGNODE_API const char *tagnode_mel_norm_name(uint32_t norm) TAGNODE_NONBLOCKING;
TAGNODE_API const char *tagnode_spectrum_name(uint32_t spectrum) TAGNODE_NONBLOCKING;
TAGNODE_API const char *tagnode_log_name(uint32_t log) TAGNODE_NONBLOCKING;

/* How a model hears: the settings of its log-mel spectrogram. */
typedef struct {
    uint32_t sample_rate; /* Hz that the model works at, 8000 to 48000 */
    uint32_t frame;       /* samples in a window, 2 to fft */
    uint32_t fft;         /* points, 256 to 4096, a power of 2; a shorter frame lies amid zeros */
    uint32_t hop;         /* samples between two mel frames, 1 to frame */
    uint32_t bands;       /* mel bands, 1 to TAGNODE_MAX_BANDS */
    tagnode_window window;
    tagnode_mel_scale mel_scale;
    tagnode_mel_norm mel_norm;
    tagnode_spectrum spectrum;
    tagnode_log log;
    double log_parameter; /* see tagnode_log; 1e-30 to 1e30, for TAGNODE_LOG_OFFSET from 0 */
    double fmin, fmax;    /* Hz; 0 <= fmin < fmax <= sample_rate / 2 */
} tagnode_frontend_settings;

/* A mel spectrogram computed in a stream. Mel frame j is centred on model-rate sample j * hop, and
 * the signal before position 0 counts as zeros (librosa's center=True, pad_mode="constant"). */
typedef struct tagnode_frontend tagnode_frontend;

/* Allocates a front-end for input at `sample_rate` Hz (8000 to 192000) with `channels` (1 to 8),
 * averaged. [main]
 * Returns OK, ERROR_ARGUMENT or ERROR_MEMORY; `*frontend` is NULL unless OK. */
TAGNODE_API tagnode_status tagnode_frontend_create(const tagnode_frontend_settings *settings,
                                                   uint32_t sample_rate, uint32_t channels,
                                                   tagnode_frontend **frontend,
                                                   tagnode_message *why);
TAGNODE_API void tagnode_frontend_destroy(tagnode_frontend *frontend); /* NULL is fine. [main] */

/* How many mel frames a process call of `frames` samples yields at the most. [any] */
TAGNODE_API size_t tagnode_frontend_capacity(const tagnode_frontend *frontend, size_t frames)
    TAGNODE_NONBLOCKING;

/* Delay of the resampler in input samples: how far behind the input the mel frames are; 0 at the
 * model's rate. [any] */
TAGNODE_API uint32_t tagnode_frontend_delay(const tagnode_frontend *frontend) TAGNODE_NONBLOCKING;

/* Hears `frames` samples of each channel and writes the mel frames that became complete, `bands`
 * floats each, to `mel`, which has room for tagnode_frontend_capacity(frames) of them. Returns
 * their number. [audio] */
TAGNODE_API size_t tagnode_frontend_process(tagnode_frontend *frontend, const float *const *input,
                                            size_t frames, float *mel) TAGNODE_NONBLOCKING;

/* Back to the state after create. [audio] */
TAGNODE_API void tagnode_frontend_reset(tagnode_frontend *frontend) TAGNODE_NONBLOCKING;

/* NaN and infinite samples that were replaced by 0 since create or reset. [audio] */
TAGNODE_API uint64_t tagnode_frontend_replaced(const tagnode_frontend *frontend)
    TAGNODE_NONBLOCKING;

/* Resamples one channel of `length` samples from `from` to `to` Hz (8000 to 192000 each) through
 * the front-end's own filter (linear phase; delay removed). Writes ceil(length * to / from)
 * samples. NaN and infinite samples count as 0. [main]
 * Returns OK, ERROR_ARGUMENT or ERROR_MEMORY. */
TAGNODE_API tagnode_status tagnode_resample(const float *input, size_t length, uint32_t from,
                                            uint32_t to, float *output, tagnode_message *why);

/* ----------------------------------------------------------------------------------- models --- */

/* What a model is, as its card says. Copied by the load functions. */
typedef struct {
    tagnode_frontend_settings frontend;
    uint32_t patch_frames; /* mel frames that the model sees at once, 1 to 4096 */
    uint32_t outputs;      /* 1 to TAGNODE_MAX_OUTPUTS, in the order of the model's signature */
    uint32_t output_size[TAGNODE_MAX_OUTPUTS]; /* floats of each; output 0 are the activations */
    bool silence_before; /* what was before a stream may be taken for silence: the model learnt
                            sounds that begin, after silence, within its window */
} tagnode_card;

typedef struct tagnode_model tagnode_model;

/* Makes a model for the worker runtime that LiteRT's C API runs. `library` is the path of
 * libLiteRt.so (NULL: the dynamic linker's own search). `bytes` is copied. [main]
 * Returns OK, ERROR_ARGUMENT, ERROR_MEMORY, ERROR_RUNTIME (library missing or too old), or
 * ERROR_MODEL (the file is damaged or does not have the card's input [1, patch_frames, bands] and
 * outputs, all float32). */
TAGNODE_API tagnode_status tagnode_model_load_litert(const char *library, const void *bytes,
                                                     size_t size, const tagnode_card *card,
                                                     tagnode_model **model, tagnode_message *why);

/* Makes a model for the inline runtime, which runs in slices within tagnode_process: int8
 * convolutions, and float after them. `bytes` is copied; every offset and size in it is checked.
 * [main]
 * Returns OK, ERROR_ARGUMENT, ERROR_MEMORY, ERROR_MODEL (damaged, or not what the card says), or
 * ERROR_UNSUPPORTED (a sound model with an operation or a type that this runtime does not have;
 * `why` names it; the worker runtime takes any model). */
TAGNODE_API tagnode_status tagnode_model_load_inline(const void *bytes, size_t size,
                                                     const tagnode_card *card,
                                                     tagnode_model **model, tagnode_message *why);

/* Runs a model once on one patch of patch_frames * bands floats; outputs[i] gets output_size[i]
 * floats where it is not NULL. [main]
 * Returns OK, ERROR_MEMORY, ERROR_MODEL, ERROR_RUNTIME. */
TAGNODE_API tagnode_status tagnode_model_run(tagnode_model *model, const float *patch,
                                             float *const *outputs, tagnode_message *why);

/* An interpreter made elsewhere, with its tensors allocated; tflite-runtime's, say. */
typedef struct {
    int (*invoke)(void *handle); /* runs the model once, on the worker's thread; 0 is success */
    void *handle;
    float *input; /* patch_frames * bands floats */
    const float *output[TAGNODE_MAX_OUTPUTS];
} tagnode_interpreter;

/* Makes a model for the worker runtime out of an interpreter, which the caller keeps alive until
 * the model is released and every node with it destroyed, and uses in no other way meanwhile. At
 * most one node may be prepared with it. [main]
 * Returns OK, ERROR_ARGUMENT or ERROR_MEMORY. */
TAGNODE_API tagnode_status tagnode_model_from_interpreter(const tagnode_interpreter *interpreter,
                                                          const tagnode_card *card,
                                                          tagnode_model **model,
                                                          tagnode_message *why);

/* Gives the caller's reference back; nodes with the model keep it alive. NULL is fine. [main] */
TAGNODE_API void tagnode_model_release(tagnode_model *model);

/* ------------------------------------------------------------------------------------ heads --- */

/* A small classifier on an output of a model, its embedding. Immutable once loaded, as a model is.
 * A .head file is little-endian: the bytes TAGHEAD1; uint32, the length of a JSON card, and the
 * card, which is not looked at here; zeros up to a multiple of 16; uint32, the number of stages, 1
 * to 16; and for each of them four uint32, its kind, rows, columns (the floats that it takes) and
 * flags, and its arrays, float32 but for what says otherwise:
 *
 *     1 affine    1 row: scale, offset [columns]. x * scale + offset.
 *     2 quantile  [rows, columns] that rise by row. Where x lies among them, as the normal
 *                 distribution has it; scikit-learn's QuantileTransformer.
 *     3 dense     weights [rows, columns], bias [rows]. flags is the activation: 0 none, 1 relu,
 *                 2 tanh, 3 logistic, 4 softmax.
 *     4 kernel    uint32 outputs, uint32 degree, gamma, coef0, support vectors [rows, columns],
 *                 coefficients [outputs, rows], intercepts [outputs]; all float64 but for the
 *                 vectors, since what is added up may cancel. flags is the kernel: 0
 *                 exp(-gamma |x - v|^2), 1 (gamma x v + coef0)^degree.
 *     5 sigmoids  1 row: a, b [columns]. 1 / (1 + exp(a x + b)); flags 1: divided by their sum.
 *
 * Each stage takes what the one before it gives. */
typedef struct tagnode_head tagnode_head;

/* Reads a .head file; every size and number in it is checked. `bytes` is not kept. [main]
 * Returns OK, ERROR_ARGUMENT, ERROR_MEMORY or ERROR_MODEL (damaged). */
TAGNODE_API tagnode_status tagnode_head_load(const void *bytes, size_t size, tagnode_head **head,
                                             tagnode_message *why);

/* Gives the caller's reference back; nodes with the head keep it alive. NULL is fine. [main] */
TAGNODE_API void tagnode_head_release(tagnode_head *head);

/* Floats that the head takes, its embedding, and that it gives. [any] */
TAGNODE_API uint32_t tagnode_head_inputs(const tagnode_head *head) TAGNODE_NONBLOCKING;
TAGNODE_API uint32_t tagnode_head_outputs(const tagnode_head *head) TAGNODE_NONBLOCKING;

/* Runs the head on `count` embeddings, one after the other, as a node would. [main]
 * Returns OK or ERROR_MEMORY. */
TAGNODE_API tagnode_status tagnode_head_run(const tagnode_head *head, const float *embeddings,
                                            size_t count, float *values, tagnode_message *why);

/* ------------------------------------------------------------------------------------- node --- */

typedef struct tagnode tagnode;

typedef struct {
    uint32_t sample_rate; /* Hz, 8000 to 192000 */
    uint32_t channels;    /* 1 to 8, averaged */
    uint32_t max_frames;  /* largest block that process will get, 1 to TAGNODE_MAX_BLOCK */
    double hop; /* seconds between two answers, up to the patch; rounded to whole mel frames */
    double compute_latency; /* seconds for an answer, 0 to 60; see below */
    int32_t embedding;      /* the output that is handed out beside the activations, -1 for none */
    uint32_t queue;         /* descriptor frames kept for a reader that is late, 2 to 65536 */
    bool offline;           /* true: process waits for the worker: results exact and repeatable */
    double signal_hop;      /* seconds between two signal frames, 0 (none) to 60; rounded to whole
                               mel frames, at least 1 */
    double silence_db;      /* dBFS, -120 to 0: an rms that stays below it is silence, */
    double silence_hold;    /* once it has lasted so many seconds, 0 to 3600 */
    uint32_t mel_queue;     /* mel frames kept for who draws them, 0 (none) to 65536 */
    bool whole_windows;     /* true: no answer before every window is full of the stream, whatever
                               the cards say of silence before it */
} tagnode_setup;
/* The worker runtime has compute_latency for an answer, and one that comes later is held over. The
 * inline runtime is never late: it needs a time that follows from the work of a hop, and takes
 * compute_latency where that is longer. */

typedef enum {
    TAGNODE_WARMING, /* a window is not yet full, and its model takes no silence for what was before
                        the stream: values are 0 */
    TAGNODE_FRESH,   /* values describe [start, end) */
    TAGNODE_HELD     /* the result was late or lost: values of the last fresh frame, or 0 */
} tagnode_state;

typedef struct {
    int64_t start, end; /* the samples described: [start, end); start is at least 0 */
    int64_t emitted;    /* position at which it becomes readable: end + the total latency, always */
    tagnode_state state;
} tagnode_frame;

/* The latency in its parts, in input samples. `frontend` is 0: a mel frame is ready with its last
 * sample. */
typedef struct {
    uint32_t resampler, frontend, compute, total;
} tagnode_latency;

typedef struct {
    int64_t position;     /* input samples heard */
    uint64_t mel_frames;  /* mel frames computed */
    uint64_t fresh, held; /* descriptor frames emitted in either state */
    uint64_t late;        /* results that came after their frame was due */
    uint64_t overruns;    /* mel frames that the worker could not take in time */
    uint64_t dropped;     /* descriptor frames that no one read in time */
    uint64_t replaced;    /* NaN and infinite input samples replaced by 0 */
    uint64_t failures;    /* times that the model itself failed */
    uint64_t swaps;       /* models that have taken another's place since prepare */
} tagnode_counters;

/* Makes an empty node. [main] Returns OK or ERROR_MEMORY. */
TAGNODE_API tagnode_status tagnode_create(tagnode **node);

/* Ends the node's worker and frees it. NULL is fine. No other call on the node may be running.
 * [main] */
TAGNODE_API void tagnode_destroy(tagnode *node);

/* Allocates, compiles the model, starts the worker and runs the model once to warm it up. A model
 * whose card says silence_before begins as if it had heard digital silence: its first answer, of a
 * hop of sound at the most, is fresh. Not so with heads on another of its outputs than the
 * activations: they learnt from windows full of sound. May be called again while no other call on
 * the node runs; on error the node keeps its former setup. [main] Returns OK, ERROR_ARGUMENT,
 * ERROR_MEMORY, ERROR_MODEL or ERROR_RUNTIME. */
TAGNODE_API tagnode_status tagnode_prepare(tagnode *node, tagnode_model *model,
                                           const tagnode_setup *setup, tagnode_message *why);

/* The same with `count` (0 to TAGNODE_MAX_MODELS) inline models that share one front-end: a
 * descriptor frame has the activations of all of them, one after the other, and the embedding of
 * the first. A hop is at most the shortest window, and frames are fresh once all windows are full,
 * with silence where a card says silence_before. Without a model there are signal frames only, from
 * MusiCNN's front-end, and `hop`, `compute_latency` and `embedding` are not looked at. [main] */
TAGNODE_API tagnode_status tagnode_prepare_many(tagnode *node, tagnode_model *const *models,
                                                uint32_t count, const tagnode_setup *setup,
                                                tagnode_message *why);

/* A head in a node, and whose embedding it takes: output `output` of model `model`. */
typedef struct {
    tagnode_head *head;
    uint32_t model, output;
} tagnode_placed_head;

/* What a node is made of: no model, one, or inline models that share a front-end, and heads. */
typedef struct {
    tagnode_model *const *models;
    uint32_t model_count; /* 0 to TAGNODE_MAX_MODELS */
    const tagnode_placed_head *heads;
    uint32_t head_count; /* 0 to TAGNODE_MAX_HEADS */
} tagnode_parts;

/* The same with heads: a descriptor frame has the activations of all models, then what each head
 * says of the same window. Heads add nothing to the latency: a head runs whole in the callback that
 * emits the frame, some microseconds where it is linear or a small network; one with support
 * vectors takes as long as they are many. Models and heads are retained. [main]
 * Returns as tagnode_prepare; ERROR_ARGUMENT for a head whose model or output there is not, or that
 * takes another number of floats than that output has. */
TAGNODE_API tagnode_status tagnode_prepare_parts(tagnode *node, const tagnode_parts *parts,
                                                 const tagnode_setup *setup, tagnode_message *why);

/* Puts an inline model in the place of the one at `index`, while tagnode_process may be running: it
 * is prepared here, hears along until it has a whole window, and answers from then on; no frame is
 * missing, held or out of place. What it replaces is freed in a later call. [main]
 * Returns OK; ERROR_ARGUMENT (no such place, another window, front-end or number of outputs, or it
 * needs more than the node's compute latency); ERROR_MODEL, ERROR_UNSUPPORTED, ERROR_MEMORY. */
TAGNODE_API tagnode_status tagnode_swap(tagnode *node, uint32_t index, tagnode_model *model,
                                        tagnode_message *why);

/* Latency and sizes; constant from prepare on, zero before it: the latency in its parts, the mel
 * frames between two answers and before the first one (of the models that it was prepared with),
 * the values in a descriptor frame (activations, and what heads say), and the floats of its
 * embedding, 0 for none. [any] */
TAGNODE_API tagnode_latency tagnode_get_latency(const tagnode *node) TAGNODE_NONBLOCKING;
TAGNODE_API uint32_t tagnode_hop_frames(const tagnode *node) TAGNODE_NONBLOCKING;
TAGNODE_API uint32_t tagnode_first_frames(const tagnode *node) TAGNODE_NONBLOCKING;
TAGNODE_API uint32_t tagnode_value_count(const tagnode *node) TAGNODE_NONBLOCKING;
TAGNODE_API uint32_t tagnode_embedding_count(const tagnode *node) TAGNODE_NONBLOCKING;

/* Hears `frames` samples (0 to max_frames; more are ignored) of each channel. Arithmetic only: no
 * allocation, lock, system call or wait, unless the setup says `offline`. Does nothing before
 * prepare. [audio] */
TAGNODE_API void tagnode_process(tagnode *node, const float *const *input, uint32_t frames)
    TAGNODE_NONBLOCKING;

/* Takes up to `capacity` descriptor frames, oldest first. `values` gets tagnode_value_count floats
 * a frame, `embeddings` tagnode_embedding_count; either may be NULL. Returns how many. Frames that
 * no one read in time are dropped oldest first and counted. [reader] */
TAGNODE_API size_t tagnode_read(tagnode *node, tagnode_frame *frames, float *values,
                                float *embeddings, size_t capacity) TAGNODE_NONBLOCKING;

/* Forgets all that was heard; positions start at 0 again, counters too. Frames not yet read are
 * gone. Safe between two process calls. [audio] */
TAGNODE_API void tagnode_reset(tagnode *node) TAGNODE_NONBLOCKING;

/* A snapshot; each number is exact, the set may straddle a process call. [any] */
TAGNODE_API tagnode_counters tagnode_get_counters(const tagnode *node) TAGNODE_NONBLOCKING;

/* ---------------------------------------------------------------------------------- signals --- */

/* What is measured rather than learned, in the order of the values of a signal frame. All channels
 * count, at the input's rate; only what says "spectrum" is of the mel frame's own spectrum, which
 * ends at half the front-end's rate (8 kHz for MusiCNN's). dB are of full scale 1.0; silence reads
 * -120. What is of the last so many seconds ends at the frame's `end`, and before the first sample
 * there is silence. docs/signals.md says more. */
typedef enum {
    TAGNODE_SIGNAL_RMS_DB,              /* dBFS of the last 50 ms; a full-scale sine has -3.01 */
    TAGNODE_SIGNAL_PEAK_DB,             /* dBFS, largest sample of the last 50 ms */
    TAGNODE_SIGNAL_TRUE_PEAK_DB,        /* dBTP of the last 50 ms, oversampled as in BS.1770-4 */
    TAGNODE_SIGNAL_LOUDNESS_MOMENTARY,  /* LUFS of the last 0.4 s, BS.1770-4 and EBU Tech 3341; four
                                           channels are L R Ls Rs, five L R C Ls Rs, six and more
                                           L R C LFE and surrounds */
    TAGNODE_SIGNAL_LOUDNESS_SHORT,      /* LUFS of the last 3 s */
    TAGNODE_SIGNAL_LOUDNESS_INTEGRATED, /* LUFS, gated, since prepare or reset */
    TAGNODE_SIGNAL_CREST_DB,            /* dB of peak over rms, 0 up */
    TAGNODE_SIGNAL_BRIGHTNESS_HZ,       /* Hz, centroid of the magnitude spectrum; 0 in silence */
    TAGNODE_SIGNAL_FLATNESS,   /* 0 a tone .. 1 noise: geometric over arithmetic mean of the
                                  power spectrum; 0 in silence */
    TAGNODE_SIGNAL_FLUX,       /* 0 .. 1, share of the magnitude spectrum that is new */
    TAGNODE_SIGNAL_ONSET,      /* dB, 0 up: mean rise of the spectrum's critical bands; of this
                                  and of flux the largest since the signal frame before */
    TAGNODE_SIGNAL_PERCUSSIVE, /* 0 harmonic .. 1 percussive share of the power spectrum */
    TAGNODE_SIGNAL_TEMPO_BPM,  /* beats a minute, 40 to 240; 0 at a confidence below 0.1 */
    TAGNODE_SIGNAL_TEMPO_CONFIDENCE, /* 0 .. 1, how periodic the onsets of some 8 s are */
    TAGNODE_SIGNAL_SILENCE,          /* 1 in silence as the setup defines it, otherwise 0 */
    TAGNODE_SIGNALS                  /* their number */
} tagnode_signal;

/* What to call a signal and how far it commonly goes. */
typedef struct {
    const char *name;    /* "rms_db"; its descriptor is called signal.rms_db */
    const char *unit;    /* "dBFS", "dBTP", "LUFS", "dB", "Hz", "BPM" or "" */
    const char *meaning; /* some words */
    float low, high;     /* what a mapping takes for 0 and for 1 unless it is told otherwise */
    float window;        /* seconds up to the frame's end that it describes; 0: the mel frame */
} tagnode_signal_about;

/* Returns what is known of a signal, NULL for a number that is none. [any] */
TAGNODE_API const tagnode_signal_about *tagnode_about_signal(tagnode_signal signal)
    TAGNODE_NONBLOCKING;

/* Takes up to `capacity` signal frames, oldest first; `values` gets TAGNODE_SIGNALS floats a frame.
 * `start` and `end` of a frame are those of its mel frame; it is emitted at `end` plus the latency
 * of resampler and front-end, for what is measured needs no further time. The first is fresh, like
 * all others. There are at least `queue` of the setup in the ring, and as many more as a block of
 * max_frames brings. Returns how many. [reader] */
TAGNODE_API size_t tagnode_read_signals(tagnode *node, tagnode_frame *frames, float *values,
                                        size_t capacity) TAGNODE_NONBLOCKING;

/* Takes up to `capacity` mel frames as the model hears them, oldest first; `mel` gets
 * tagnode_band_count() floats a frame. Frames that no one read in time are dropped oldest first.
 * Returns how many. [reader] */
TAGNODE_API size_t tagnode_read_mel(tagnode *node, float *mel, size_t capacity) TAGNODE_NONBLOCKING;

/* Mel bands of the front-end; 0 before prepare. [any] */
TAGNODE_API uint32_t tagnode_band_count(const tagnode *node) TAGNODE_NONBLOCKING;

/* ------------------------------------------------------------------------------- automation --- */

typedef enum { TAGNODE_CURVE_LIN, TAGNODE_CURVE_LOG, TAGNODE_CURVE_EXP } tagnode_curve;
typedef enum { TAGNODE_GATE_NONE, TAGNODE_GATE_ABOVE, TAGNODE_GATE_BELOW } tagnode_gate;
typedef enum {
    TAGNODE_COMBINE_SUM, /* the first mapping's min, and how far each one is from its own min */
    TAGNODE_COMBINE_MAX  /* the mapping that is farthest from its own min */
} tagnode_combine;

enum { TAGNODE_MAX_MAPPINGS = 16 /* on one parameter */ };

/* How a descriptor becomes a parameter, in this order:
 *
 *   gate or range   0..1: a gate is 1 from the threshold on and 0 once the descriptor is back
 *                   beyond the hysteresis; without one, `low` counts as 0 and `high` as 1, clamped
 *   invert          1 - x
 *   hold            a value stays so long when it begins to fall; then it follows down, until it
 *                   has risen again
 *   delay           all of it so much later
 *   attack, release an exponential towards it, upwards and downwards
 *   depth           times so much
 *   curve, min, max onto the parameter
 *
 * The envelope stands before the curve: a rise of the descriptor is the attack whichever of min and
 * max is the larger, and one time constant sounds alike on a scale of Hz and on one of dB. Times
 * are in seconds, so that nothing depends on rates or blocks. */
typedef struct {
    tagnode_gate gate;
    float threshold;  /* in the descriptor's unit, as is: */
    float hysteresis; /* 0 up: how far back over the threshold a gate lets go */
    float low, high;  /* without a gate; may not be equal, and high may be the smaller */
    bool invert;
    float hold, delay;     /* seconds, 0 to 600 */
    float attack, release; /* seconds to cover 63 % of a step, 0 to 600; 0 is at once */
    float depth;           /* 0 to 1 */
    tagnode_curve curve;   /* lin: even steps; log: even ratios (min, max above 0); exp: square */
    float min, max;        /* the parameter at 0 and at 1; min may be the larger */
} tagnode_mapping;

/* The knobs of a mapping: the fields above, in their order. */
typedef enum {
    TAGNODE_KNOB_GATE,
    TAGNODE_KNOB_THRESHOLD,
    TAGNODE_KNOB_HYSTERESIS,
    TAGNODE_KNOB_LOW,
    TAGNODE_KNOB_HIGH,
    TAGNODE_KNOB_INVERT,
    TAGNODE_KNOB_HOLD,
    TAGNODE_KNOB_DELAY,
    TAGNODE_KNOB_ATTACK,
    TAGNODE_KNOB_RELEASE,
    TAGNODE_KNOB_DEPTH,
    TAGNODE_KNOB_CURVE,
    TAGNODE_KNOB_MIN,
    TAGNODE_KNOB_MAX /* the knob called "max" */
} tagnode_knob_id;

typedef enum { TAGNODE_KNOB_NUMBER, TAGNODE_KNOB_TOGGLE, TAGNODE_KNOB_CHOICE } tagnode_knob_kind;

/* What is known of a knob. */
typedef struct {
    const char *name;    /* "attack": the field in tagnode_mapping */
    const char *unit;    /* "s"; "descriptor" or "parameter": that one's unit; "": none */
    const char *meaning; /* one sentence */
    tagnode_knob_kind kind;
    double low, high;           /* limits, inclusive; -INFINITY, INFINITY: any finite value */
    double default_value;       /* in tagnode_mapping_default(); of a choice, its index */
    const char *const *choices; /* names, by value of the enumeration; NULL if not a choice */
    uint32_t choice_count;      /* 0 if not a choice */
} tagnode_knob;

/* Number of knobs. [any] */
TAGNODE_API uint32_t tagnode_knob_count(void) TAGNODE_NONBLOCKING;

/* Returns a knob's entry in the table, valid for ever; NULL from tagnode_knob_count() on. [any] */
TAGNODE_API const tagnode_knob *tagnode_knob_info(uint32_t knob) TAGNODE_NONBLOCKING;

/* Returns the name of a way to combine, "sum" or "max"; NULL for any other value. [any] */
TAGNODE_API const char *tagnode_combine_name(uint32_t combine) TAGNODE_NONBLOCKING;

/* Returns a mapping with every knob at its default. [any] */
TAGNODE_API tagnode_mapping tagnode_mapping_default(void) TAGNODE_NONBLOCKING;

/* Sets the knob with index `knob` of a mapping; a toggle takes 0 or 1, a choice its index.
 * Returns OK, or ERROR_ARGUMENT (no such knob, or a value out of its limits; nothing changed).
 * [main] */
TAGNODE_API tagnode_status tagnode_mapping_set(tagnode_mapping *mapping, uint32_t knob,
                                               double value, tagnode_message *why);

/* Returns a knob's value in a mapping; NaN for a knob that does not exist. [any] */
TAGNODE_API double tagnode_mapping_get(const tagnode_mapping *mapping, uint32_t knob)
    TAGNODE_NONBLOCKING;

/* Checks a mapping as tagnode_automation_create does: every knob within its limits, low and high
 * different without a gate, min and max above 0 for a log curve. Returns OK or ERROR_ARGUMENT.
 * [main] */
TAGNODE_API tagnode_status tagnode_mapping_check(const tagnode_mapping *mapping,
                                                 tagnode_message *why);

/* One parameter on its way, moved by one mapping or several. */
typedef struct tagnode_automation tagnode_automation;

/* Checks the mappings (1 to TAGNODE_MAX_MAPPINGS) and starts at rest, where a descriptor far below
 * its range or threshold puts it. `queue` (1 to 1048576) is how many changes of each descriptor may
 * wait: those pushed within the delay, and ahead of the position that is asked for. [main]
 * Returns OK, ERROR_ARGUMENT or ERROR_MEMORY; `*automation` is NULL unless OK. */
TAGNODE_API tagnode_status tagnode_automation_create(const tagnode_mapping *mappings,
                                                     uint32_t count, tagnode_combine combine,
                                                     double sample_rate, uint32_t queue,
                                                     tagnode_automation **automation,
                                                     tagnode_message *why);
TAGNODE_API void tagnode_automation_destroy(tagnode_automation *automation); /* NULL is fine */

/* From `position` on the descriptor of a mapping has `value`; NaN changes nothing. A position
 * before one that was pushed or asked for already counts as that one. The first value is taken at
 * once, as if it had always been: no delay, no ramp. A full queue gives up its oldest change, which
 * then counts before its time. [audio] */
TAGNODE_API void tagnode_automation_push(tagnode_automation *automation, uint32_t mapping,
                                         int64_t position, float value) TAGNODE_NONBLOCKING;

/* Turns the knobs of a mapping. The parameter goes on from where it is: of the envelope nothing but
 * its speed changes at once, and the descriptor's last value counts as pushed anew. Another delay
 * or hold moves what is still to come; min, max, depth and curve are no part of the envelope and
 * may step. Returns false, and changes nothing, for knobs that create would refuse. [audio] */
TAGNODE_API bool tagnode_automation_change(tagnode_automation *automation, uint32_t mapping,
                                           const tagnode_mapping *knobs) TAGNODE_NONBLOCKING;

/* The parameter at `position`, in closed form: it does not depend on where else it was asked. What
 * is pushed for later positions does not count yet. Ask in order: an earlier position counts as the
 * last change before the latest. [audio] */
TAGNODE_API float tagnode_automation_at(tagnode_automation *automation, int64_t position)
    TAGNODE_NONBLOCKING;

/* How finely parameters are set: at positions that are multiples of `grid` (samples, at least 1),
 * by those that have moved by more than `tolerance` (share of the way from min to max, 0 to 1)
 * since they were set, and by all every 8192 samples. A step ends at each multiple of `most`,
 * itself a multiple of `grid`. */
typedef struct {
    uint32_t grid, most;
    float tolerance;
} tagnode_steps;

/* Cuts [position, until), from 0 up, into steps in which `count` parameters may stand still. Writes
 * where each begins to `positions`, and the parameters there to `values`, `count` floats a step.
 * Only what is pushed for positions up to a step has a say in it, and only where it is cut, so any
 * blocks give the same values everywhere. `capacity` must be (until - position) / grid + 2 at
 * least. Returns the number of steps. [audio] */
TAGNODE_API size_t tagnode_automation_plan(tagnode_automation *const *automations, uint32_t count,
                                           int64_t position, int64_t until,
                                           const tagnode_steps *steps, int64_t *positions,
                                           float *values, size_t capacity) TAGNODE_NONBLOCKING;

/* Back to the state after create. [audio] */
TAGNODE_API void tagnode_automation_reset(tagnode_automation *automation) TAGNODE_NONBLOCKING;

/* ----------------------------------------------------------------------------- live streams --- */

/* What stands between an audio system's callback and a program: it lets a node hear what comes in,
 * and exchanges the samples themselves with another thread, which may be slow, through two queues.
 * Either use may be left out. */
typedef struct tagnode_stream tagnode_stream;

typedef struct {
    tagnode *node;    /* prepared for `inputs` channels and any max_frames, not offline, or NULL; it
                         must outlive the stream, whose callback is its audio thread */
    uint32_t inputs;  /* channels that come in, 0 to TAGNODE_MAX_CHANNELS */
    uint32_t outputs; /* channels that go out, 0 to TAGNODE_MAX_CHANNELS */
    uint32_t queue;   /* samples a channel kept each way, up to TAGNODE_MAX_BLOCK; 0: none kept,
                         and silence goes out */
    uint32_t lead;    /* samples of silence that stand in the outgoing queue at first: what the
                         thread between read and write may take; up to queue */
} tagnode_stream_setup;

typedef struct {
    uint64_t callbacks;
    int64_t position;    /* samples that came in */
    uint64_t overflows;  /* callbacks that the audio system marked: input was lost before them, */
    uint64_t underflows; /* or output was late */
    uint64_t lost;       /* samples that came in and found the queue full, */
    uint64_t missing;    /* or had to go out and were not there: silence went; 0 without queues */
} tagnode_stream_counters;

/* Returns OK, ERROR_ARGUMENT or ERROR_MEMORY; `*stream` is NULL unless OK. [main] */
TAGNODE_API tagnode_status tagnode_stream_create(const tagnode_stream_setup *setup,
                                                 tagnode_stream **stream, tagnode_message *why);
TAGNODE_API void tagnode_stream_destroy(tagnode_stream *stream); /* NULL is fine. [main] */

/* One block: `input` and `output` are interleaved float32, or NULL where there are no channels.
 * The shape of PortAudio's PaStreamCallback; `stream` is the tagnode_stream, `time` is not looked
 * at, `flags` are PortAudio's (1, 2: input under- and overflow; 4, 8: output under- and overflow).
 * Returns 0: go on. [audio] */
TAGNODE_API int tagnode_stream_callback(const void *input, void *output, unsigned long frames,
                                        const void *time, unsigned long flags, void *stream)
    TAGNODE_NONBLOCKING;

/* Takes up to `frames` samples of each channel that came in, interleaved. Returns how many.
 * [reader] */
TAGNODE_API size_t tagnode_stream_read(tagnode_stream *stream, float *samples, size_t frames)
    TAGNODE_NONBLOCKING;

/* Gives up to `frames` samples of each channel to go out, interleaved. Returns how many fitted.
 * [reader] */
TAGNODE_API size_t tagnode_stream_write(tagnode_stream *stream, const float *samples, size_t frames)
    TAGNODE_NONBLOCKING;

/* Samples that wait to be read, and that wait to go out. [reader] */
TAGNODE_API size_t tagnode_stream_readable(const tagnode_stream *stream) TAGNODE_NONBLOCKING;
TAGNODE_API size_t tagnode_stream_pending(const tagnode_stream *stream) TAGNODE_NONBLOCKING;

/* A snapshot; each number is exact. [any] */
TAGNODE_API tagnode_stream_counters tagnode_stream_get_counters(const tagnode_stream *stream)
    TAGNODE_NONBLOCKING;

/* -------------------------------------------------------------------------------------- any --- */

TAGNODE_API const char *tagnode_version(void);

/* The instruction set that the arithmetic uses: "avx512", "avx2" or "portable". Environment
 * TAGNODE_ISA forces one that the machine has; every create reads it anew. [main] */
TAGNODE_API const char *tagnode_instruction_set(void);

/* The status as a word, "ok", "argument" ... [any] */
TAGNODE_API const char *tagnode_status_name(tagnode_status status);

#ifdef __cplusplus
}
#endif
#endif
