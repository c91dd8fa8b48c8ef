# A plugin is a file that hosts load: it shows its entry points only, and nothing that it does not
# need is in it.
function(tagplug_module target folder file)
  get_filename_component(name ${file} NAME_WLE)
  get_filename_component(suffix ${file} LAST_EXT)
  set_target_properties(${target} PROPERTIES
    PREFIX "" OUTPUT_NAME ${name} SUFFIX ${suffix} LIBRARY_OUTPUT_DIRECTORY ${folder})
  if(APPLE)
    target_link_options(${target} PRIVATE -Wl,-dead_strip)
  else() # what libtagnode shows to programs is nothing to show here
    target_link_options(${target} PRIVATE -Wl,--exclude-libs,ALL -Wl,--gc-sections)
  endif()
endfunction()
