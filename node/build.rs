//! Link settings of the addon.

use std::path::PathBuf;

/// What Node looks for. Other symbols are nobody's business, and a DLL can export only so many.
const EXPORTS: &str = "EXPORTS\nnapi_register_module_v1\n";

fn main() {
    napi_build::setup();
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    match (
        &*variable("CARGO_CFG_TARGET_OS"),
        &*variable("CARGO_CFG_TARGET_ENV"),
    ) {
        // A worker thread that ends must not unmap code the shared runtime thread still runs. runtime.rs sees to it on other
        // systems.
        ("linux", "gnu") => println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete"),
        // Without a name the linker takes the path of the build.
        ("macos", _) => println!(
            "cargo:rustc-cdylib-link-arg=-Wl,-install_name,@rpath/koa-session-dynamodb-store.node"
        ),
        // The linker exports every symbol unless it is given a list, and cargo-zigbuild leaves out the compiler's.
        ("windows", "gnu") => {
            let list = PathBuf::from(variable("OUT_DIR")).join("addon.def");
            std::fs::write(&list, EXPORTS).expect("Cargo makes OUT_DIR");
            println!("cargo:rustc-cdylib-link-arg={}", list.display());
        }
        _ => {}
    }
}
