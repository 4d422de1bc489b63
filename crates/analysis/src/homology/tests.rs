//! Laws of bars and cocycles, and the fast form held against the textbook.

mod agreement;
mod cocycles;
mod controls;
mod limits;
mod shapes;
