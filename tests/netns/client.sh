#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# vpnd as a client of vpnd: the cases of tests/interop that look at both ends. Their topologies are drawn there.
export SERVER=vpnd
status=0
for file in roaming parallel; do bash "$(dirname "$0")/../interop/client_$file.sh" & done
for file in roaming parallel; do wait -n || status=$?; done
exit $status
