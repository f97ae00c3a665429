// Texture and surface objects of every shape, filtered and not, and the copies that fill them.
#include <cmath>
#include <vector>

#include "expect.h"

constexpr int kWidth = 32, kHeight = 24, kDepth = 6;

static float value(int x, int y, int z) {
  return 0.25f * x - 0.5f * y + 2.0f * z + 0.125f * ((x * 7 + y * 3) % 5);
}

static cudaTextureObject_t texture_of(cudaArray_t array, cudaTextureFilterMode filter,
                                      cudaTextureAddressMode mode, bool normalized,
                                      cudaTextureReadMode read = cudaReadModeElementType) {
  cudaResourceDesc resource = {};
  resource.resType = cudaResourceTypeArray;
  resource.res.array.array = array;
  cudaTextureDesc description = {};
  for (int i = 0; i < 3; ++i) description.addressMode[i] = mode;
  description.filterMode = filter;
  description.readMode = read;
  description.normalizedCoords = normalized;
  cudaTextureObject_t texture = 0;
  check(cudaCreateTextureObject(&texture, &resource, &description, nullptr), "cudaCreateTextureObject");
  return texture;
}

static cudaArray_t filled_array(unsigned flags, cudaExtent extent) {
  const cudaChannelFormatDesc format = cudaCreateChannelDesc<float>();
  cudaArray_t array;
  check(cudaMalloc3DArray(&array, &format, extent, flags), "cudaMalloc3DArray");
  const int h = extent.height ? int(extent.height) : 1, d = extent.depth ? int(extent.depth) : 1;
  std::vector<float> host(extent.width * h * d);
  for (int z = 0; z < d; ++z)
    for (int y = 0; y < h; ++y)
      for (int x = 0; x < int(extent.width); ++x) host[(z * h + y) * extent.width + x] = value(x, y, z);
  cudaMemcpy3DParms copy = {};
  copy.srcPtr = make_cudaPitchedPtr(host.data(), extent.width * sizeof(float), extent.width, h);
  copy.dstArray = array;
  copy.extent = make_cudaExtent(extent.width, h, d);
  copy.kind = cudaMemcpyHostToDevice;
  check(cudaMemcpy3D(&copy), "cudaMemcpy3D");
  return array;
}

__global__ void sample_2d(cudaTextureObject_t texture, float* out, float step, float first) {
  const int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
  out[y * gridDim.x * blockDim.x + x] = tex2D<float>(texture, first + x * step, first + y * step);
}
__global__ void sample_3d(cudaTextureObject_t texture, float* out) {
  const int i = threadIdx.x;
  out[i] = tex3D<float>(texture, i * 0.5f, i * 0.25f, i * 0.125f);
}
__global__ void sample_layers(cudaTextureObject_t texture, float* out) {
  out[threadIdx.x] = tex2DLayered<float>(texture, threadIdx.x + 0.5f, 3.5f, threadIdx.x % kDepth);
}
__global__ void sample_cube(cudaTextureObject_t texture, float* out) {
  const float3 directions[6] = {{1, .1f, .2f},  {-1, .1f, .2f}, {.1f, 1, .2f},
                                {.1f, -1, .2f}, {.1f, .2f, 1},  {.1f, .2f, -1}};
  const float3 d = directions[threadIdx.x];
  out[threadIdx.x] = texCubemap<float>(texture, d.x, d.y, d.z);
}
__global__ void fetch_linear(cudaTextureObject_t texture, int* out) {
  out[threadIdx.x] = tex1Dfetch<int>(texture, int(threadIdx.x) - 4);
}
__global__ void gather(cudaTextureObject_t texture, float4* out) {
  out[threadIdx.x] = tex2Dgather<float4>(texture, threadIdx.x + 1.0f, 2.0f, 0);
}
__global__ void bytes(cudaTextureObject_t texture, float4* out) {
  out[threadIdx.x] = tex1D<float4>(texture, threadIdx.x + 0.5f);
}
__global__ void levels(cudaTextureObject_t texture, float* out) {
  out[threadIdx.x] = tex2DLod<float>(texture, 0.5f, 0.5f, threadIdx.x * 0.5f);
}

// The guide's formula, in double.
static double linear_2d(double u, double v) {
  const double x = std::rint((u - 0.5) * 256) / 256, y = std::rint((v - 0.5) * 256) / 256;
  const double i = std::floor(x), j = std::floor(y), a = x - i, b = y - j;
  const auto at = [](double px, double py) {
    const int cx = int(std::fmin(std::fmax(px, 0), kWidth - 1)),
              cy = int(std::fmin(std::fmax(py, 0), kHeight - 1));
    return double(value(cx, cy, 0));
  };
  return (1 - a) * (1 - b) * at(i, j) + a * (1 - b) * at(i + 1, j) + (1 - a) * b * at(i, j + 1) +
         a * b * at(i + 1, j + 1);
}

static void two_dimensions(float* out) {
  cudaArray_t array = filled_array(0, make_cudaExtent(kWidth, kHeight, 0));
  cudaTextureObject_t texture = texture_of(array, cudaFilterModeLinear, cudaAddressModeClamp, false);
  sample_2d<<<dim3(4, 4), dim3(16, 16)>>>(texture, out, 0.37f, -2.0f);
  check(cudaDeviceSynchronize(), "sample_2d");
  bool good = true;
  for (int y = 0; y < 64; ++y)
    for (int x = 0; x < 64; ++x)
      good = good && out[y * 64 + x] ==
                         float(linear_2d(std::fma(float(x), 0.37f, -2.0f), std::fma(float(y), 0.37f, -2.0f)));
  expect(good, "two dimensions, filtered");
  check(cudaDestroyTextureObject(texture), "cudaDestroyTextureObject");
  texture = texture_of(array, cudaFilterModePoint, cudaAddressModeWrap, true);
  sample_2d<<<dim3(4, 4), dim3(16, 16)>>>(texture, out, 1.0f / 32, 1.0f / 64);
  check(cudaDeviceSynchronize(), "sample_2d");
  good = true;
  for (int y = 0; y < 64; ++y)
    for (int x = 0; x < 64; ++x) {
      const float u = (y + 0.5f) / 32;
      good = good && out[y * 64 + x] == value(x % 32, int((u - std::floor(u)) * kHeight), 0);
    }
  expect(good, "two dimensions, repeated");
  check(cudaDestroyTextureObject(texture), "cudaDestroyTextureObject");
  check(cudaFreeArray(array), "cudaFreeArray");
}

static void volumes_layers_and_cubes(float* out) {
  cudaArray_t array = filled_array(0, make_cudaExtent(kWidth, kHeight, kDepth));
  cudaTextureObject_t texture = texture_of(array, cudaFilterModePoint, cudaAddressModeBorder, false);
  sample_3d<<<1, 64>>>(texture, out);
  check(cudaDeviceSynchronize(), "sample_3d");
  bool good = true;
  for (int i = 0; i < 64; ++i) {
    const int x = i / 2, y = i / 4, z = i / 8;
    good = good && out[i] == (z < kDepth ? value(x, y, z) : 0.0f);
  }
  expect(good, "three dimensions and a border");
  check(cudaDestroyTextureObject(texture), "cudaDestroyTextureObject");
  check(cudaFreeArray(array), "cudaFreeArray");

  array = filled_array(cudaArrayLayered, make_cudaExtent(kWidth, kHeight, kDepth));
  texture = texture_of(array, cudaFilterModeLinear, cudaAddressModeClamp, false);
  sample_layers<<<1, kWidth>>>(texture, out);
  check(cudaDeviceSynchronize(), "sample_layers");
  good = true;
  for (int i = 0; i < kWidth; ++i) good = good && out[i] == value(i, 3, i % kDepth);
  expect(good, "layers");
  check(cudaDestroyTextureObject(texture), "cudaDestroyTextureObject");
  check(cudaFreeArray(array), "cudaFreeArray");

  array = filled_array(cudaArrayCubemap, make_cudaExtent(16, 16, 6));
  texture = texture_of(array, cudaFilterModePoint, cudaAddressModeClamp, true);
  sample_cube<<<1, 6>>>(texture, out);
  check(cudaDeviceSynchronize(), "sample_cube");
  good = true;
  for (int face = 0; face < 6; ++face) {
    const float d[6][2] = {{-.2f, -.1f}, {.2f, -.1f}, {.1f, .2f}, {.1f, -.2f}, {.1f, -.2f}, {-.1f, -.2f}};
    good = good && out[face] == value(int((d[face][0] + 1) * 8), int((d[face][1] + 1) * 8), face);
  }
  expect(good, "a cube");
  check(cudaDestroyTextureObject(texture), "cudaDestroyTextureObject");
  check(cudaFreeArray(array), "cudaFreeArray");
}

static void plain_memory_and_bytes(float* out) {
  int* numbers;
  check(cudaMallocManaged(&numbers, 64 * sizeof(int)), "cudaMallocManaged");
  for (int i = 0; i < 64; ++i) numbers[i] = i + 1;
  cudaResourceDesc resource = {};
  resource.resType = cudaResourceTypeLinear;
  resource.res.linear.devPtr = numbers;
  resource.res.linear.desc = cudaCreateChannelDesc<int>();
  resource.res.linear.sizeInBytes = 32 * sizeof(int);
  cudaTextureDesc description = {};
  cudaTextureObject_t texture;
  check(cudaCreateTextureObject(&texture, &resource, &description, nullptr), "cudaCreateTextureObject");
  int* found = reinterpret_cast<int*>(out);
  fetch_linear<<<1, 64>>>(texture, found);
  check(cudaDeviceSynchronize(), "fetch_linear");
  bool good = true;
  for (int i = 0; i < 64; ++i) good = good && found[i] == (i >= 4 && i < 36 ? i - 3 : 0);
  expect(good, "plain memory, zero outside");
  check(cudaDestroyTextureObject(texture), "cudaDestroyTextureObject");
  check(cudaFree(numbers), "cudaFree");

  const cudaChannelFormatDesc format = cudaCreateChannelDesc<uchar4>();
  cudaArray_t array;
  check(cudaMallocArray(&array, &format, 8), "cudaMallocArray");
  unsigned char host[32];
  for (int i = 0; i < 32; ++i) host[i] = static_cast<unsigned char>(i * 8);
  check(cudaMemcpy2DToArray(array, 0, 0, host, 32, 32, 1, cudaMemcpyHostToDevice), "cudaMemcpy2DToArray");
  texture = texture_of(array, cudaFilterModeLinear, cudaAddressModeClamp, false, cudaReadModeNormalizedFloat);
  bytes<<<1, 8>>>(texture, reinterpret_cast<float4*>(out));
  check(cudaDeviceSynchronize(), "bytes");
  good = true;
  for (int i = 0; i < 32; ++i) good = good && out[i] == host[i] / 255.0f;
  expect(good, "bytes as floats");
  check(cudaDestroyTextureObject(texture), "cudaDestroyTextureObject");
  check(cudaFreeArray(array), "cudaFreeArray");

  array = filled_array(cudaArrayTextureGather, make_cudaExtent(kWidth, kHeight, 0));
  texture = texture_of(array, cudaFilterModePoint, cudaAddressModeClamp, false);
  gather<<<1, 16>>>(texture, reinterpret_cast<float4*>(out));
  check(cudaDeviceSynchronize(), "gather");
  good = true;
  for (int i = 0; i < 16; ++i)
    good = good && out[4 * i] == value(i, 2, 0) && out[4 * i + 1] == value(i + 1, 2, 0) &&
           out[4 * i + 2] == value(i + 1, 1, 0) && out[4 * i + 3] == value(i, 1, 0);
  expect(good, "four texels");
  check(cudaDestroyTextureObject(texture), "cudaDestroyTextureObject");
  check(cudaFreeArray(array), "cudaFreeArray");
}

static void mip_levels(float* out) {
  const cudaChannelFormatDesc format = cudaCreateChannelDesc<float>();
  cudaMipmappedArray_t mipmaps;
  check(cudaMallocMipmappedArray(&mipmaps, &format, make_cudaExtent(8, 8, 0), 4), "cudaMallocMipmappedArray");
  for (unsigned level = 0; level < 4; ++level) {
    cudaArray_t array;
    check(cudaGetMipmappedArrayLevel(&array, mipmaps, level), "cudaGetMipmappedArrayLevel");
    const int size = 8 >> level;
    const std::vector<float> host(size * size, level * 10.0f);
    check(cudaMemcpy2DToArray(array, 0, 0, host.data(), size * 4, size * 4, size, cudaMemcpyHostToDevice),
          "cudaMemcpy2DToArray");
  }
  cudaResourceDesc resource = {};
  resource.resType = cudaResourceTypeMipmappedArray;
  resource.res.mipmap.mipmap = mipmaps;
  cudaTextureDesc description = {};
  description.normalizedCoords = 1;
  description.filterMode = description.mipmapFilterMode = cudaFilterModeLinear;
  description.maxMipmapLevelClamp = 2.5f;
  cudaTextureObject_t texture;
  check(cudaCreateTextureObject(&texture, &resource, &description, nullptr), "cudaCreateTextureObject");
  levels<<<1, 8>>>(texture, out);
  check(cudaDeviceSynchronize(), "levels");
  bool good = true;
  for (int i = 0; i < 8; ++i) good = good && out[i] == std::fmin(i * 5.0f, 25.0f);
  expect(good, "mip levels, mixed and clamped");
  check(cudaDestroyTextureObject(texture), "cudaDestroyTextureObject");
  check(cudaFreeMipmappedArray(mipmaps), "cudaFreeMipmappedArray");
}

__global__ void write_surface(cudaSurfaceObject_t surface) {
  const int x = threadIdx.x, y = threadIdx.y, z = blockIdx.x;
  surf3Dwrite(x + 100 * y + 10000 * z, surface, x * int(sizeof(int)), y, z);
}
__global__ void double_surface(cudaSurfaceObject_t surface) {
  const int x = threadIdx.x, y = threadIdx.y, z = blockIdx.x;
  int old;
  surf3Dread(&old, surface, x * int(sizeof(int)), y, z);
  surf3Dwrite(2 * old, surface, x * int(sizeof(int)), y, z);
  surf3Dread(&old, surface, 1000 * int(sizeof(int)), y, z, cudaBoundaryModeZero);
  if (old != 0) surf3Dwrite(-1, surface, x * int(sizeof(int)), y, z);
}

static void surfaces() {
  const cudaChannelFormatDesc format = cudaCreateChannelDesc<int>();
  cudaArray_t array;
  check(cudaMalloc3DArray(&array, &format, make_cudaExtent(16, 8, 4), cudaArraySurfaceLoadStore),
        "cudaMalloc3DArray");
  cudaResourceDesc resource = {};
  resource.resType = cudaResourceTypeArray;
  resource.res.array.array = array;
  cudaSurfaceObject_t surface;
  check(cudaCreateSurfaceObject(&surface, &resource), "cudaCreateSurfaceObject");
  write_surface<<<4, dim3(16, 8)>>>(surface);
  double_surface<<<4, dim3(16, 8)>>>(surface);
  std::vector<int> host(16 * 8 * 4);
  cudaMemcpy3DParms copy = {};
  copy.srcArray = array;
  copy.dstPtr = make_cudaPitchedPtr(host.data(), 64, 16, 8);
  copy.extent = make_cudaExtent(16, 8, 4);
  copy.kind = cudaMemcpyDeviceToHost;
  check(cudaMemcpy3D(&copy), "cudaMemcpy3D");
  bool good = true;
  for (int i = 0; i < 16 * 8 * 4; ++i)
    good = good && host[i] == 2 * (i % 16 + 100 * (i / 16 % 8) + 10000 * (i / 128));
  expect(good, "surfaces");
  check(cudaDestroySurfaceObject(surface), "cudaDestroySurfaceObject");
  check(cudaFreeArray(array), "cudaFreeArray");
}

int main() {
  float* out;
  check(cudaMallocManaged(&out, 64 * 64 * sizeof(float)), "cudaMallocManaged");
  two_dimensions(out);
  volumes_layers_and_cubes(out);
  plain_memory_and_bytes(out);
  mip_levels(out);
  surfaces();
  return verdict();
}
