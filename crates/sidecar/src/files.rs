//! Reading and writing files of the user's.
