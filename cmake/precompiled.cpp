// SPDX-License-Identifier: Apache-2.0
// Nothing: headers are compiled for a target, and a target has a source (Precompiled.cmake).
