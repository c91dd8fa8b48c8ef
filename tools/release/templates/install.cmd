@echo off
rem Installs Tagnode @version@ for this user.
cd /d "%~dp0"
@copies@
echo Rescan the plugins in your host; it will list Tagnode. uninstall.cmd removes it.
exit /b 0

:copy
if exist "%~2\%~1" rd /s /q "%~2\%~1" 2>nul
if exist "%~2\%~1" del /q "%~2\%~1" 2>nul
if exist "%~1\" (xcopy /e /i /q /y "%~1" "%~2\%~1" >nul) else (xcopy /i /q /y "%~1" "%~2" >nul)
if errorlevel 1 (
    echo %~2\%~1 cannot be written; close the hosts that use it, and try again. 1>&2
    exit 1
)
echo %~2\%~1
exit /b 0
