// What Rust takes from bcryptprimitives.dll, which Wine 8 does not have. For tests under Wine alone: release/runtimes.js.

typedef unsigned char BOOLEAN;
BOOLEAN SystemFunction036(void *buffer, unsigned long length);

__declspec(dllexport) int ProcessPrng(unsigned char *buffer, unsigned long long length) {
  return SystemFunction036(buffer, (unsigned long)length);
}
