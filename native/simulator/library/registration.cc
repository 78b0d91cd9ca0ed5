// The calls that nvcc puts into a program, which happen before main() and may not fail, and the one
// that answers with something else than an error code. Kernels are not simulated: the launch itself
// answers cudaErrorNotSupported. Without NVIDIA's header, as not_simulated.cc.
extern "C" {

struct ChannelFormat {  // cudaChannelFormatDesc
  int x, y, z, w;
  int kind;
};
ChannelFormat cudaCreateChannelDesc(int x, int y, int z, int w, int kind) {
  return {x, y, z, w, kind};
}

// NOLINTBEGIN(bugprone-reserved-identifier): nvcc's names
void** __cudaRegisterFatBinary(void*) {
  static void* handle = nullptr;  // process lifetime; never read
  return &handle;
}
void __cudaRegisterFatBinaryEnd(void**) {}
void __cudaUnregisterFatBinary(void**) {}
void __cudaRegisterFunction() {}
void __cudaRegisterVar() {}
void __cudaRegisterManagedVar() {}
void __cudaRegisterHostVar() {}
void __cudaRegisterUnifiedTable() {}
char __cudaInitModule(void**) { return 1; }
// NOLINTEND(bugprone-reserved-identifier)

}  // extern "C"
