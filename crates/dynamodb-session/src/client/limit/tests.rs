use super::*;

#[test]
fn one_call_too_many_is_refused_until_another_ends() {
    let admission = Admission::new(2);
    let first = admission.enter().ok();
    let _second = admission.enter().ok();
    for _ in 0..3 {
        let refused = admission.enter().err().unwrap();
        assert_eq!(
            (refused.kind(), refused.attempts()),
            (ErrorKind::Overloaded, 0)
        );
        assert!(refused.is_retryable());
    }
    drop(first);
    assert!(admission.enter().is_ok());
}

#[test]
fn a_budget_can_be_used_up_and_five_successes_restore_a_retry() {
    let budget = RetryBudget::new(2);
    assert_eq!(
        [budget.take(), budget.take(), budget.take()],
        [true, true, false]
    );
    for _ in 0..4 {
        budget.give_back(false);
    }
    assert!(!budget.take());
    budget.give_back(false);
    assert!(budget.take());
}

#[test]
fn a_successful_retry_is_refunded_up_to_the_capacity() {
    let budget = RetryBudget::new(1);
    assert!(budget.take());
    budget.give_back(true);
    budget.give_back(true);
    assert_eq!([budget.take(), budget.take()], [true, false]);
    assert!(!RetryBudget::new(0).take());
}
