/* model_file.h - checks of a .tflite file before LiteRT reads it. */
#pragma once

#include "tagnode.h"

enum { TAGNODE_MODEL_FILE_OUTPUTS = 64 }; /* of a graph; more than that is a damaged file */

/* LiteRT checks that a file's offsets stay inside it, but ends the process (2.3.0: a C++ exception
 * out of a C function) if an input or output of the graph has no name of its own in the signature.
 * Refuses such files, and those that are not TFLite models at all. Returns OK or ERROR_MODEL. */
tagnode_status tagnode_model_file_check(const void *bytes, size_t size, tagnode_message *why);
