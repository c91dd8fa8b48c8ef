# Writes the program in the first comment of tagnode.h to a file: tagnode_example(FILE).
set(TAGNODE_HEADER ${CMAKE_CURRENT_LIST_DIR}/../include/tagnode.h)

function(tagnode_example output)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${TAGNODE_HEADER})
  file(READ ${TAGNODE_HEADER} text)
  string(FIND "${text}" "*/" end)
  string(SUBSTRING "${text}" 0 ${end} text)
  if(NOT text MATCHES "\n \\*     (#include.*\n \\*     })\n")
    message(FATAL_ERROR "${TAGNODE_HEADER} does not open with a program any more")
  endif()
  string(REGEX REPLACE "\n \\*(     )?" "\n" program "${CMAKE_MATCH_1}")
  file(WRITE ${output} "${program}\n")
endfunction()
