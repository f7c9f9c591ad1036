#!/bin/sh
exec /usr/lib/kopia-engine/bin/mover "$@"
