// SPDX-License-Identifier: Apache-2.0
// All types of the driver interface, without the functions.
#pragma once

#include <doppel/cuda/context.h>
#include <doppel/cuda/copy.h>
#include <doppel/cuda/device_attribute.h>
#include <doppel/cuda/graph.h>
#include <doppel/cuda/handles.h>
#include <doppel/cuda/launch.h>
#include <doppel/cuda/memory.h>
#include <doppel/cuda/module.h>
#include <doppel/cuda/result.h>
#include <doppel/cuda/stream.h>
#include <doppel/cuda/tensor_map.h>
#include <doppel/cuda/texture.h>
