//! The requests of the DynamoDB API that the store makes.

mod operation;

pub use operation::Operation;
