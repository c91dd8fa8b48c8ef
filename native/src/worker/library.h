/* library.h - shared libraries that are loaded at run time. */
#pragma once

/* Loads a library until the process ends: exit handlers may run later, and a thread that ran a
 * model may still have to end. Returns NULL if it cannot be loaded. [main] */
void *tagnode_library_open(const char *path);

/* Returns why that failed last; never NULL. */
const char *tagnode_library_error(void);

/* Returns NULL if the library has no such symbol. */
void *tagnode_library_symbol(void *library, const char *symbol);
