//! Link settings of the addon.

fn main() {
    napi_build::setup();
    // A worker thread that ends must not unmap code the shared runtime thread still runs.
    if std::env::var("CARGO_CFG_TARGET_ENV").as_deref() == Ok("gnu") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
