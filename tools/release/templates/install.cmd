@echo off
rem Installs Tagnode @version@ for this user.
cd /d "%~dp0"
@copies@
echo Rescan the plugins in your host; it will list Tagnode. uninstall.cmd removes it.
goto :eof

:failed
echo That could not be written; close the hosts that use Tagnode, and try again. 1>&2
exit 1
