//! Linear systems.

/// Solves a symmetric positive definite system by Cholesky's method; absent where it is not one, nearly.
pub fn solve(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Option<Vec<f64>> {
    let n = right.len();
    for row in 0..n {
        let diagonal = matrix[row][row];
        for column in 0..=row {
            let sum: f64 = (0..column).map(|k| matrix[row][k] * matrix[column][k]).sum();
            let rest = matrix[row][column] - sum;
            if row != column {
                matrix[row][column] = rest / matrix[column][column];
            } else if rest > 1e-6 * diagonal {
                matrix[row][row] = rest.sqrt();
            } else {
                return None;
            }
        }
    }
    for row in 0..n {
        let sum: f64 = (0..row).map(|k| matrix[row][k] * right[k]).sum();
        right[row] = (right[row] - sum) / matrix[row][row];
    }
    for row in (0..n).rev() {
        let sum: f64 = (row + 1..n).map(|k| matrix[k][row] * right[k]).sum();
        right[row] = (right[row] - sum) / matrix[row][row];
    }
    Some(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_without_one_solution_has_none() {
        let solution = solve(vec![vec![4.0, 2.0], vec![2.0, 3.0]], vec![10.0, 9.0]).expect("positive definite");
        assert!((solution[0] - 1.5).abs() < 1e-12 && (solution[1] - 2.0).abs() < 1e-12);
        assert_eq!(solve(vec![vec![1.0, 1.0], vec![1.0, 1.0]], vec![1.0, 1.0]), None);
    }
}
