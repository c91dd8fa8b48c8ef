#include "worker/library.h"

#include <stddef.h>

#ifdef _WIN32
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#else
#include <dlfcn.h>
#endif

void *tagnode_library_open(const char *path) {
#ifdef _WIN32
    return LoadLibraryA(path);
#else
    return dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
#endif
}

const char *tagnode_library_error(void) {
#ifdef _WIN32
    return "no reason given";
#else
    const char *reason = dlerror();
    return reason != NULL ? reason : "no reason given";
#endif
}

void *tagnode_library_symbol(void *library, const char *symbol) {
#ifdef _WIN32
    return (void *)GetProcAddress(library, symbol);
#else
    return dlsym(library, symbol);
#endif
}
