// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

/// An ERC-20 token for demonstrations, tests and benchmarks. Whoever deploys it owns the supply.
contract Token {
    string public constant name = "Event Streamer Token";
    string public constant symbol = "EST";
    uint8 public constant decimals = 18;
    uint256 public immutable totalSupply;

    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    error InsufficientBalance(address owner, uint256 balance, uint256 value);
    error InsufficientAllowance(address spender, uint256 allowance, uint256 value);

    constructor(uint256 supply) {
        totalSupply = supply;
        balanceOf[msg.sender] = supply;
        emit Transfer(address(0), msg.sender, supply);
    }

    function transfer(address to, uint256 value) external returns (bool) {
        move(msg.sender, to, value);
        return true;
    }

    /// Sends `count` times, with `count` events, in one transaction: many logs for little gas.
    function transferMany(address to, uint256 value, uint256 count) external {
        uint256 sum = value * count;
        uint256 balance = balanceOf[msg.sender];
        if (balance < sum) revert InsufficientBalance(msg.sender, balance, sum);
        balanceOf[msg.sender] = balance - sum;
        balanceOf[to] += sum;
        for (uint256 i = 0; i < count; i++) emit Transfer(msg.sender, to, value);
    }

    function approve(address spender, uint256 value) external returns (bool) {
        allowance[msg.sender][spender] = value;
        emit Approval(msg.sender, spender, value);
        return true;
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        uint256 allowed = allowance[from][msg.sender];
        if (allowed < value) revert InsufficientAllowance(msg.sender, allowed, value);
        if (allowed != type(uint256).max) allowance[from][msg.sender] = allowed - value;
        move(from, to, value);
        return true;
    }

    function move(address from, address to, uint256 value) private {
        uint256 balance = balanceOf[from];
        if (balance < value) revert InsufficientBalance(from, balance, value);
        unchecked {
            balanceOf[from] = balance - value;
            balanceOf[to] += value;
        }
        emit Transfer(from, to, value);
    }
}
