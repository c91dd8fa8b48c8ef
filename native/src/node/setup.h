/* setup.h - checks of the arguments of tagnode_prepare(). */
#pragma once

#include "tagnode.h"

/* Checks the setup, the number of parts, and that they match each other. Returns OK or
 * ERROR_ARGUMENT. [main] */
tagnode_status tagnode_setup_check(const tagnode_parts *parts, const tagnode_setup *setup,
                                   tagnode_message *why);
