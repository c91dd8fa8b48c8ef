/* choices.c - names of the front-end's settings, as model cards spell them. */
#include "tagnode.h"

#define COUNT(names) (sizeof(names) / sizeof(names)[0])

static const char *const WINDOWS[] = {"hann-periodic", "hann-symmetric"};
static const char *const MEL_SCALES[] = {"slaney", "htk"};
static const char *const MEL_NORMS[] = {"none", "slaney"};
static const char *const SPECTRA[] = {"power", "magnitude"};
static const char *const LOGS[] = {"none", "log10-1p", "log-offset", "db"};

const char *tagnode_window_name(uint32_t window) {
    return window < COUNT(WINDOWS) ? WINDOWS[window] : NULL;
}

const char *tagnode_mel_scale_name(uint32_t scale) {
    return scale < COUNT(MEL_SCALES) ? MEL_SCALES[scale] : NULL;
}

const char *tagnode_mel_norm_name(uint32_t norm) {
    return norm < COUNT(MEL_NORMS) ? MEL_NORMS[norm] : NULL;
}

const char *tagnode_spectrum_name(uint32_t spectrum) {
    return spectrum < COUNT(SPECTRA) ? SPECTRA[spectrum] : NULL;
}

const char *tagnode_log_name(uint32_t log) {
    return log < COUNT(LOGS) ? LOGS[log] : NULL;
}
