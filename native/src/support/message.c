#include "support/message.h"

#include <stdarg.h>
#include <stdio.h>

tagnode_status tagnode_report(tagnode_message *why, tagnode_status status, const char *format,
                              ...) {
    if (why != NULL) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(why->text, sizeof why->text, format, arguments);
        va_end(arguments);
    }
    return status;
}

const char *tagnode_status_name(tagnode_status status) {
    switch (status) {
    case TAGNODE_OK: return "ok";
    case TAGNODE_ERROR_ARGUMENT: return "argument";
    case TAGNODE_ERROR_MEMORY: return "memory";
    case TAGNODE_ERROR_MODEL: return "model";
    case TAGNODE_ERROR_UNSUPPORTED: return "unsupported";
    case TAGNODE_ERROR_RUNTIME: return "runtime";
    }
    return "unknown";
}

const char *tagnode_version(void) {
    return TAGNODE_VERSION;
}

void tagnode_version_numbers(uint32_t *major, uint32_t *minor, uint32_t *patch) {
    if (major != NULL) *major = TAGNODE_VERSION_MAJOR;
    if (minor != NULL) *minor = TAGNODE_VERSION_MINOR;
    if (patch != NULL) *patch = TAGNODE_VERSION_PATCH;
}
