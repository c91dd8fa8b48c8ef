@echo off
rem Removes Tagnode from the folders of this user.
@drops@
exit /b 0

:drop
if not exist "%~1" exit /b 0
rd /s /q "%~1" 2>nul
if exist "%~1" del /q "%~1" 2>nul
if exist "%~1" (
    echo %~1 cannot be removed; close the hosts that use it, and try again. 1>&2
    exit 1
)
echo removed %~1
exit /b 0
