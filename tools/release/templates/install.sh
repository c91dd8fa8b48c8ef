#!/bin/sh
# Installs Tagnode @version@ for you: sh install.sh; for all users: sudo sh install.sh --system
set -eu
cd "$(dirname "$0")"
case ${1:-} in
"") place=user ;;
--system) place=system ;;
*)
    echo "install.sh knows no option $1; give --system or nothing." >&2
    exit 2
    ;;
esac

copy() { # bundle, folder of a user, folder for all
    folder=$2
    [ "$place" = user ] || folder=$3
    if ! mkdir -p "$folder" || ! rm -rf "$folder/$1" || ! cp -R "$1" "$folder/"; then
        echo "$folder cannot be written; with --system run this by sudo." >&2
        exit 1
    fi
    # what a browser downloaded does not load on macOS before this
    ! command -v xattr >/dev/null || xattr -dr com.apple.quarantine "$folder/$1" 2>/dev/null || true
    echo "$folder/$1"
}

@copies@
echo "Rescan the plugins in your host; it will list Tagnode. $(pwd)/@uninstaller@ removes it."
