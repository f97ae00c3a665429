// SPDX-License-Identifier: Apache-2.0
// A small C interface with result codes of its own: what a door to libdoppel.so needs of src/api/common, and
// nothing of CUDA's.
#pragma once

extern "C" {

typedef enum GaugeResult {
  GAUGE_CLOSED = 0,
  GAUGE_INVALID = 1,
  GAUGE_NO_MEMORY = 2,
  GAUGE_UNKNOWN = 3,
  GAUGE_REFUSED = 4,
  GAUGE_FINE = 100,
} GaugeResult;

typedef struct GaugeSensor_st* GaugeSensor;

GaugeResult gaugeOpen();
GaugeResult gaugeClose();
GaugeResult gaugeFind(const char* name, int version, void** function);
GaugeResult gaugeAdd(GaugeSensor* sensor, double value);
GaugeResult gaugeRemove(GaugeSensor sensor);
GaugeResult gaugeRead(GaugeSensor sensor, float* value);
GaugeResult gaugeRead_v2(GaugeSensor sensor, double* value);
GaugeResult gaugeCalibrate();
// Throws inside.
GaugeResult gaugeExhaust();
GaugeResult gaugeBreak();
}
