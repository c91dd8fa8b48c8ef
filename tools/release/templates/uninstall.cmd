@echo off
rem Removes Tagnode from the folders of this user.
@drops@
goto :eof

:failed
echo That could not be removed; close the hosts that use Tagnode, and try again. 1>&2
exit 1
