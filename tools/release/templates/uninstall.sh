#!/bin/sh
# Removes Tagnode from your folders: sh uninstall.sh; from those of all users: sudo sh uninstall.sh --system
set -eu
case ${1:-} in
"") place=user ;;
--system) place=system ;;
*)
    echo "uninstall.sh knows no option $1; give --system or nothing." >&2
    exit 2
    ;;
esac
found=no

drop() { # bundle, folder of a user, folder for all
    folder=$2
    [ "$place" = user ] || folder=$3
    [ -e "$folder/$1" ] || return 0
    if ! rm -rf "${folder:?}/$1"; then
        echo "$folder/$1 cannot be removed; with --system run this by sudo." >&2
        exit 1
    fi
    found=yes
    echo "removed $folder/$1"
}

@drops@
[ "$found" = yes ] || echo "No plugin is installed there."
