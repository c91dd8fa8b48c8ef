/* choices.c - names of the front-end's settings, as model cards spell them. */
#include "tagnode.h"

#define COUNT(names) (sizeof(names) / sizeof(names)[0])

const char *tagnode_window_name(uint32_t window) {
    static const char *const names[] = {"hann-periodic", "hann-symmetric"};
    return window < COUNT(names) ? names[window] : NULL;
}

const char *tagnode_mel_scale_name(uint32_t scale) {
    static const char *const names[] = {"slaney", "htk"};
    return scale < COUNT(names) ? names[scale] : NULL;
}

const char *tagnode_mel_norm_name(uint32_t norm) {
    static const char *const names[] = {"none", "slaney"};
    return norm < COUNT(names) ? names[norm] : NULL;
}

const char *tagnode_spectrum_name(uint32_t spectrum) {
    static const char *const names[] = {"power", "magnitude"};
    return spectrum < COUNT(names) ? names[spectrum] : NULL;
}

const char *tagnode_log_name(uint32_t log) {
    static const char *const names[] = {"none", "log10-1p", "log-offset", "db"};
    return log < COUNT(names) ? names[log] : NULL;
}
