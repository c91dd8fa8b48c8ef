# A plugin is a file that hosts load; it shows its entry points only.
function(tagplug_module target folder file)
  target_link_libraries(${target} PRIVATE tagplug tagnode_flags)
  get_filename_component(name ${file} NAME_WLE)
  get_filename_component(suffix "${file}" LAST_EXT)
  set_target_properties(${target} PROPERTIES
    PREFIX "" OUTPUT_NAME ${name} SUFFIX "${suffix}" LIBRARY_OUTPUT_DIRECTORY ${folder})
  if(WIN32) # the system's own libraries are all that it may need; symbols would be half of it
    target_link_options(${target} PRIVATE -static -s)
  elseif(NOT APPLE) # what libtagnode shows to programs is nothing to show here
    target_link_options(${target} PRIVATE -Wl,--exclude-libs,ALL)
  endif()
endfunction()
